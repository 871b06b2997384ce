# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Time a whole network, one implementation at a time, and compare with XNNPACK's dense one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import discard, make_folder, read_json, write_bytes, write_json
from colonnade.common.paths import RUNNER
from colonnade.common.reference import REFERENCE
from colonnade.config.schema import ThroughputConfig
from colonnade.package.archive import read_package
from colonnade.results.records import Run
from colonnade.results.tables import THROUGHPUT, write_table
from colonnade.targets.target import Target


def write_random_images(path: Path, batch: int, image_px: int, seed: int) -> None:
    """Write normally distributed F32 images [batch, 3, image_px, image_px] as tensor `image`."""
    rng = np.random.default_rng(seed)
    image = rng.standard_normal((batch, 3, image_px, image_px), dtype=np.float32)
    write_bytes(path, save({"image": image}))


def run_network(
    target: Target,
    package: Path,
    implementation: str,
    schedules: Path,
    images: Path,
    timed: ThroughputConfig,
    output: Path,
) -> None:
    """Run a package and write the runner's report, with the package's identity, to `output`.

    Modelled time is exact: one run, from cold caches. Measured time is the median of
    `timed.repetitions` after `timed.warmup` runs.

    Raises:
        ColonnadeError: the runner failed.
    """
    graph = read_package(package).graph
    modelled = target.evidence == "modelled"
    make_folder(output.parent)
    scratch = [output.with_suffix(suffix) for suffix in (".timing", ".report", ".logits")]
    timing, report, logits = scratch
    arguments = [
        *("--package", str(package)),
        *("--implementation", implementation),
        *("--schedules", str(schedules)),
        *("--input", str(images)),
        *("--output", str(logits)),
        *("--report", str(report)),
        *("--threads", str(timed.threads)),
        *("--repetitions", "1" if modelled else str(timed.repetitions)),
        *("--warmup", "0" if modelled else str(timed.warmup)),
    ]
    try:
        target.run(RUNNER, arguments, timing=timing)
        identity = {key: graph[key] for key in ("model", "checkpoint_sha256")}
        write_json(output, {**identity, **read_json(report, dict[str, Any])})
    finally:
        for file in scratch:
            discard(file)


def throughput_table(
    target: Target,
    timed: ThroughputConfig,
    runs: Sequence[tuple[Path, dict[str, Any]]],
    table: Path,
) -> None:
    """Write `throughput.csv` from run reports, each with its pattern columns n, m and sparsity.

    Raises:
        ColonnadeError: the baseline is not among the runs.
    """
    reports = [(read_json(path, Run), pattern) for path, pattern in runs]
    baseline = [report for report, _ in reports if report["implementation"] == REFERENCE]
    if not baseline:
        raise ColonnadeError(f"{table}: no run of {REFERENCE} to compare with")
    base_ms = milliseconds(baseline[0], target)
    rows = []
    for report, pattern in reports:
        ms = milliseconds(report, target)
        rows.append(
            {
                **pattern,
                "model": report["model"],
                "batch": timed.batch,
                "image_px": timed.image_px,
                "target": target.name,
                "vlen": target.vlen,
                "threads": report["threads"],
                "implementation": report["implementation"],
                "images_per_s": timed.batch * 1e3 / ms,
                "cycles": report["total"]["cycles"],
                "speedup_vs_xnnpack_dense": base_ms / ms,
                "evidence": target.evidence,
                "checkpoint_sha256": report["checkpoint_sha256"],
            }
        )
    write_table(table, THROUGHPUT, rows)


def milliseconds(report: dict[str, Any], target: Target) -> float:
    """Time of a whole run, from the runner's report."""
    cycles = report["total"]["cycles"]
    if cycles is not None:
        return target.milliseconds(cycles)
    return float(report["total"]["seconds"]) * 1e3
