# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Packages run by hand: on this machine without a container, or on a target of a checkout."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from colonnade.common.errors import ColonnadeError, first_line
from colonnade.common.files import copy_to, read_json
from colonnade.common.paths import RUNNER
from colonnade.common.processes import ending
from colonnade.config.target import TargetConfig
from colonnade.package.description import SCHEDULES
from colonnade.runtime.native import native
from colonnade.targets.target import Target

Arrays = Mapping[str, NDArray[np.float32]]
HOST = "host"
# Lines by which the runner tells how far it is.
_PROGRESS = re.compile(r"images: \d+/\d+")


@dataclass(frozen=True)
class _Output:
    stdout: str


class _Here:
    """Runs the programs of this machine as they are: they need no container."""

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> _Output:
        """Run a command whose first word is one of our programs, wherever that lies.

        Raises:
            ColonnadeError: it failed, in its own words.
        """
        program = native(Path(command[0]).name)
        run = subprocess.run(
            [program, *command[1:]],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if run.returncode != 0:
            raise ColonnadeError(_said(program.name, run.returncode, run.stderr))
        return _Output(run.stdout)


def _said(program: str, status: int, stderr: str) -> str:
    """Why a program failed: its last error, else its end and what it said last beside its progress."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1].removeprefix("error: ")
    others = [line for line in lines if not _PROGRESS.fullmatch(line.strip())]
    return f"{program}: {ending(status)}" + (f": {others[-1]}" if others else "")


def this_machine() -> Target:
    """The target `host` without a checkout."""
    return Target(HOST, TargetConfig(kind="host"), _Here())


@dataclass(frozen=True)
class Run:
    """How a package is run: datatype, threads, and runs that are counted after those that are not.

    Where time is modelled, a run that is not `timed` does without the model.
    """

    dtype: str = "f32"
    threads: int = 1
    repetitions: int = 1
    warmup: int = 0
    timed: bool = True


def execute(
    target: Target, package: Path, images: Arrays, how: Run, scratch: Path
) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """Run a package, and return its outputs by name and the runner's report.

    With the schedules of the package, or else one schedule for all layers. `scratch` is an empty folder
    that the target sees; the package is copied there. Modelled time is exact: it needs one run.

    Raises:
        ColonnadeError: the program failed, or is not built, or what it reads cannot be copied; the
            message names `package`, not its copy.
    """
    if target.name != HOST:
        target.check_built(RUNNER)
    copy = scratch / "package"
    copy_to(package, copy)
    files = {key: scratch / f"{key}.safetensors" for key in ("input", "output")}
    # What lies otherwise in memory would be written as it lies.
    tensors = {name: np.ascontiguousarray(each) for name, each in images.items()}
    try:
        save_file(tensors, files["input"])
    except (OSError, SafetensorError) as error:
        raise ColonnadeError(
            f"{package}: its input cannot be written to {scratch}: {first_line(error)}"
        ) from error
    report = scratch / "report.json"
    tuned = copy / SCHEDULES
    schedules: list[str | Path] = ["--schedules", tuned] if tuned.is_file() else []
    measured = target.evidence == "measured"
    arguments: list[str | Path] = [
        *("--package", copy, "--dtype", how.dtype, "--threads", str(how.threads)),
        *("--implementation", "colnm_tuned" if schedules else "colnm_untuned", *schedules),
        *("--input", files["input"], "--output", files["output"]),
        *("--report", report),
        *("--repetitions", str(how.repetitions if measured else 1)),
        *("--warmup", str(how.warmup if measured else 0)),
    ]
    reads, writes = [copy, files["input"]], [files["output"], report]
    regions = scratch / "regions.jsonl" if how.timed else None
    try:
        target.run(RUNNER, arguments, timing=regions, reads=reads, writes=writes)
    except ColonnadeError as error:
        told = str(error).replace(str(copy), str(package))
        raise ColonnadeError(told.replace(str(files["input"]), "the input")) from error
    return load_file(files["output"]), read_json(report, dict[str, Any])


def timing(report: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """Milliseconds of a report: of the whole network with their spread, and of each layer."""
    modelled = target.evidence == "modelled"

    def milliseconds(entry: Mapping[str, Any]) -> float:
        return target.milliseconds(entry["cycles"]) if modelled else 1e3 * float(entry["seconds"])

    total = milliseconds(report["total"])
    runs = [total] if modelled else sorted(1e3 * each for each in report["total"]["samples"])
    quarters = quantiles(runs, n=4, method="inclusive") if len(runs) > 1 else runs * 3
    keys = ("name", "op", "cycles", "macs", "useful_macs")
    return {
        "target": target.name,
        "evidence": target.evidence,
        **{key: report[key] for key in ("dtype", "threads", "batch")},
        "runs": len(runs),
        "cycles": report["total"]["cycles"],
        "median_ms": quarters[1],
        "lower_quartile_ms": quarters[0],
        "upper_quartile_ms": quarters[2],
        "fastest_ms": runs[0],
        "slowest_ms": runs[-1],
        "images_per_s": 1e3 * report["batch"] / quarters[1],
        "layers": [
            {
                **{key: layer[key] for key in keys},
                "ms": milliseconds(layer),
                "schedule": layer.get("schedule"),
            }
            for layer in report["layers"]
        ],
    }
