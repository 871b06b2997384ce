# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Fuzz targets: whatever the programs read, no crash, no hang, no sanitizer's complaint."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from colonnade.container import Container

from .damages import DAMAGES, Draft, draft

# Of `make fuzz-nightly`: inputs of all targets together, of which any may take a second. The minute
# of `make test` shares a machine with other tests, and allows more.
RUNS = int(os.environ.get("COLONNADE_FUZZ_RUNS", "0"))
SECONDS = {"package": 36, "schedules": 8, "input": 8, "core": 8}
RULE = b"\n--\n"
CORPUS = Path("kernels/fuzz/corpus")


@pytest.fixture(scope="module")
def targets(build_part: Callable[[str], Path], root: Path) -> Path:
    return build_part("sanitized").relative_to(root)


def fuzzed(package: Draft) -> bytes:
    """A package as the fuzz target takes it."""
    graph = package.edit_graph(json.dumps({"weights_sha256": "DIGEST", **package.graph}))
    header = package.edit_header(json.dumps(package.header))
    return graph.encode() + RULE + header.encode() + RULE + bytes(package.data)


def write_seeds(target: str, folder: Path) -> None:
    """Inputs that are no text, or follow from tables of other tests."""
    if target == "package":
        (folder / "sound").write_bytes(fuzzed(draft()))
        for index, (_, damage, _) in enumerate(DAMAGES):
            broken = draft()
            damage(broken)
            (folder / f"damage-{index}").write_bytes(fuzzed(broken)[: 1 << 14])
    elif target == "input":
        # Of the target's two inputs: as many images of each, or more of one.
        for masks in (4, 1):
            shapes = {"image": (4, 2, 3, 4), "mask": (masks, 1, 2, 2)}
            header: dict[str, Any] = {}
            content = b""
            for name, shape in shapes.items():
                data = np.ones(shape, np.float32).tobytes()
                offsets = [len(content), len(content) + len(data)]
                header[name] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
                content += data
            (folder / f"masks-{masks}").write_bytes(json.dumps(header).encode() + RULE + content)
    elif target == "core":
        for core in sorted(Path("kernels/timing/cores").glob("*.json")):
            (folder / core.name).write_bytes(core.read_bytes())


@pytest.mark.parametrize("target", SECONDS)
def test_nothing_crashes_or_hangs(
    toolchain: Container, targets: Path, root: Path, scratch: Path, target: str
) -> None:
    seeds = scratch / f"seeds-{target}"
    found = scratch / f"found-{target}"
    seeds.mkdir()
    found.mkdir()
    # What fails stays, to be looked at.
    failing = root / targets / "failing" / target
    shutil.rmtree(failing, ignore_errors=True)
    failing.mkdir(parents=True)
    write_seeds(target, seeds)
    folders = [folder.relative_to(root) for folder in (found, seeds)]
    if (root / CORPUS / target).is_dir():
        folders.append(CORPUS / target)
    limits = [f"-max_total_time={SECONDS[target]}", "-timeout=10"]
    command = [
        str(targets / f"fuzz-{target}"),
        *([f"-runs={RUNS * SECONDS[target] // 60}", "-timeout=1"] if RUNS else limits),
        *("-seed=1", "-rss_limit_mb=4096", "-max_len=20000", "-print_final_stats=1"),
        f"-dict={CORPUS / 'keys.dict'}",
        f"-artifact_prefix={failing.relative_to(root)}/",
        *map(str, folders),
    ]
    options = {"ASAN_OPTIONS": "detect_stack_use_after_return=0:detect_leaks=0"}
    run = toolchain.run(command, env=options)
    executed = re.search(r"stat::number_of_executed_units: (\d+)", run.stdout + run.stderr)
    assert executed is not None, run.stderr[-2000:]
    assert int(executed[1]) > 100
    # Empty, or this fails.
    failing.rmdir()
