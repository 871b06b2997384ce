# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""No core of the band misses by far what was published of the X60: streams that its prefetcher brings."""

import json
from pathlib import Path

import pytest

from colonnade.targets.emulator import emulator, timed
from colonnade.targets.target import of_one_length
from colonnade.validation import KERNEL_POINTS
from colonnade.validation.band import read_band, write_cores
from colonnade.validation.compare import PROGRAMS, Program

from .model import ROOT, WORK, TestedModel

BAND = Path("kernels/timing/bands/x60.json")
# What reads streams of memory, and how many times as fast or as slow as published a core may be. Products
# read with some arithmetic between lines: a prefetcher that is slow to get ahead shows most there.
POINTS = {
    "copy of words, DRAM": 2,
    "memcpy, DRAM": 2,
    "f32 2000x3000x100, vectorised by GCC, m1": 3,
    "f32 2000x3000x100, vfmacc, m8": 3,
}


@pytest.mark.parametrize("program", PROGRAMS[:2], ids=lambda program: program.name)
def test_streams_on_every_core_of_the_band_are_as_published_within_a_factor(
    timing: TestedModel, program: Program
) -> None:
    built = program.build(timing)
    names = {run[0] for point in KERNEL_POINTS if point.name in POINTS for run in point.runs}
    cores = [path.relative_to(ROOT) for path in write_cores(ROOT / BAND, ROOT / WORK / "band")]
    pairs = [(core, core.with_suffix(".timing")) for core in cores]
    options = timed(*pairs[0], timing.plugin, beside=pairs[1:])
    guest = ["-0", built.name, of_one_length(built), *sorted(names)]
    printed = timing.container.run([*emulator(256), *options, *guest]).stdout.splitlines()
    runs = [(name, int(size)) for name, size in map(str.split, printed)]
    assert runs
    compared = 0
    for core, file in pairs:
        lines = (ROOT / file).read_text("utf-8").splitlines()
        cycles = [int(json.loads(line)["cycles"]) for line in lines]
        took = dict(zip(runs, cycles, strict=True))
        for point in KERNEL_POINTS:
            if point.name not in POINTS or point.runs[0] not in took:
                continue
            ratio = point.value([took[run] for run in point.runs]) / point.published
            most = POINTS[point.name]
            assert 1 / most < ratio < most, (core.stem, point.name)
            compared += 1
    assert compared == 2 * len(read_band(ROOT / BAND).cores)
