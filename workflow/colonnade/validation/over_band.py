# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Runs a whole network once and models it on all cores of a band."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import make_folder, read_json, write_json
from colonnade.config.schema import ThroughputConfig
from colonnade.evaluation.runs import BandRun
from colonnade.evaluation.throughput import run_network
from colonnade.results.records import NOMINAL, NamedLayer, OverBand, Run
from colonnade.targets.target import Target
from colonnade.validation.band import write_cores


def run_over_band(
    target: Target,
    package: Path,
    run: BandRun,
    schedules: Path,
    images: Path,
    timed: ThroughputConfig,
    band: Path,
    output: Path,
) -> None:
    """Write what one run of a package takes on the target's core and on those of the band, by name.

    The emulator's work, which is the larger part, is done once.

    Raises:
        ColonnadeError: the band is damaged, the runner failed, or a core's regions are not the layers of
            the run.
    """
    make_folder(output.parent)
    scratch = Path(tempfile.mkdtemp(prefix=f".{output.stem}-", dir=output.parent))
    report = scratch / "report.json"
    try:
        pairs = [(core, core.with_suffix(".timing")) for core in write_cores(band, scratch)]
        run_network(
            target,
            package,
            run.implementation,
            schedules,
            images,
            timed.model_copy(update={"threads": run.threads}),
            report,
            dtype=run.dtype,
            beside=pairs,
        )
        nominal = read_json(report, Run)
        layers = [NamedLayer(name=each["name"], op=each["op"]) for each in nominal["layers"]]
        cycles = {NOMINAL: [int(each["cycles"]) for each in nominal["layers"]]}
        cycles |= {core.stem: _cycles(file, len(layers)) for core, file in pairs}
    finally:
        shutil.rmtree(scratch)
    found: OverBand = {
        "model": nominal["model"],
        "checkpoint_sha256": nominal["checkpoint_sha256"],
        "implementation": run.implementation,
        "dtype": run.dtype,
        "threads": run.threads,
        "layers": layers,
        "cycles": cycles,
    }
    write_json(output, found)


def _cycles(file: Path, layers: int) -> list[int]:
    """Cycles of each region that the timing model wrote.

    Raises:
        ColonnadeError: they are not as many as the layers.
    """
    regions: list[dict[str, Any]] = [
        json.loads(line) for line in file.read_text("utf-8").splitlines()
    ]
    if len(regions) != layers:
        raise ColonnadeError(f"{file}: {len(regions)} regions; allowed: {layers}, one for a layer")
    return [int(region["cycles"]) for region in regions]
