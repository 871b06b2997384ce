# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Times a whole network, one implementation at a time."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from colonnade.common.files import discard, make_folder, read_json, write_bytes, write_json
from colonnade.common.paths import RUNNER
from colonnade.config.schema import ThroughputConfig
from colonnade.package.archive import read_package
from colonnade.targets.conditions import Watch, alone
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
    *,
    dtype: str = "f32",
    beside: Sequence[tuple[Path, Path]] = (),
) -> None:
    """Run a package and write the runner's report, with the package's identity, to `output`.

    Modelled time is exact: one run, from cold caches. Measured time is the median of
    `timed.repetitions` after `timed.warmup` runs. `beside` are more cores for the timing model, each with
    the file of its regions.

    Raises:
        ColonnadeError: the runner failed.
    """
    graph = read_package(package).graph
    modelled = target.evidence == "modelled"
    make_folder(output.parent)
    scratch = [output.with_suffix(suffix) for suffix in (".timing", ".report", ".logits")]
    timing, report, logits = scratch
    arguments: list[str | Path] = [
        *("--package", package),
        *("--implementation", implementation),
        *("--dtype", dtype),
        *("--schedules", schedules),
        *("--input", images),
        *("--output", logits),
        *("--report", report),
        *("--threads", str(timed.threads)),
        *("--repetitions", "1" if modelled else str(timed.repetitions)),
        *("--warmup", "0" if modelled else str(timed.warmup)),
    ]
    try:
        found: dict[str, Any] = {key: graph[key] for key in ("model", "checkpoint_sha256")}
        run = partial(
            target.run,
            RUNNER,
            arguments,
            reads=[package, schedules, images],
            writes=[logits, report],
        )
        if modelled:
            # That time does not depend on what else runs.
            run(timing=timing, beside=beside)
        else:
            with alone():
                watch = Watch()
                run(timing=None)
                # Of a board this machine knows nothing.
                if target.config.board is None:
                    found["conditions"] = watch.conditions().columns()
        write_json(output, {**found, **read_json(report, dict[str, Any])})
    finally:
        for file in scratch:
            discard(file)
