# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks on a board by turns: every round runs each of them once, so that what drifts meets all."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from colonnade.board.machine import Machine
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import discard, read_json, read_record, sha256_file, write_json
from colonnade.common.paths import RUNNER
from colonnade.common.progress import track
from colonnade.config.schema import ThroughputConfig
from colonnade.evaluation.tables import milliseconds
from colonnade.evaluation.throughput import run_network, write_random_images
from colonnade.results.tables import BOARD_RUNS, write_table
from colonnade.targets.implementations import known_implementation
from colonnade.targets.target import Target

_SEED = 1


class NetworkRun(NamedTuple):
    """A package, and the runner's implementation that it runs with."""

    package: Path
    implementation: str

    @classmethod
    def parse(cls, text: str) -> "NetworkRun":
        """Read `PACKAGE:IMPLEMENTATION`.

        Raises:
            ColonnadeError: it is something else, or the runner has no such implementation.
        """
        package, colon, implementation = text.rpartition(":")
        if not (package and colon and implementation):
            raise ColonnadeError(f"{text!r}: allowed: PACKAGE:IMPLEMENTATION")
        return cls(Path(package), known_implementation(implementation, repr(text)))


def run_rounds(
    target: Target,
    runs: Sequence[NetworkRun],
    schedules: Path,
    timed: ThroughputConfig,
    rounds: int,
    table: Path,
) -> None:
    """Time networks on a board by turns and write the table; rounds that an earlier call finished count.

    Args:
        target: a board.
        runs: what is run; speedups are over the first.
        schedules: those that tuning chose.
        timed: the input, and how often each of the rounds repeats it.
        rounds: how many there are.
        table: written at the end; what is finished of it lies beside it until then.

    Raises:
        ColonnadeError: a run failed, or the target is no board.
    """
    machine = target.board.machine
    folder = table.with_name(f".{table.stem}-{_key(target, runs, schedules, timed)}")
    images = folder / "images.safetensors"
    write_random_images(images, timed.batch, timed.image_px, _SEED)
    states: list[Machine] = []
    for number in track(range(rounds), f"time {table.stem}", rounds, "round"):
        for run, report in zip(runs, _reports(folder, number, runs), strict=True):
            if not report.exists():
                run_network(
                    target, run.package, run.implementation, schedules, images, timed, report
                )
        state = folder / f"{number}.json"
        if not state.exists():
            write_json(state, target.board.ask().model_dump())
        states.append(read_record(state, Machine))
    found = [_reports(folder, number, runs) for number in range(rounds)]
    write_table(table, BOARD_RUNS, _rows(target, machine, runs, found, states, timed))
    discard(folder)


def _key(
    target: Target, runs: Sequence[NetworkRun], schedules: Path, timed: ThroughputConfig
) -> str:
    """Identifies what is run, and where."""
    files = [file for run in runs for file in sorted(run.package.glob("*"))]
    parts = [
        target.fingerprint(RUNNER),
        [(str(run.package), run.implementation) for run in runs],
        [sha256_file(file) for file in (*files, schedules)],
        timed.model_dump(),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _reports(folder: Path, number: int, runs: Sequence[NetworkRun]) -> list[Path]:
    """Files of one round's reports."""
    return [folder / f"{number}-{index}.json" for index in range(len(runs))]


def _rows(
    target: Target,
    machine: Machine,
    runs: Sequence[NetworkRun],
    reports: Sequence[Sequence[Path]],
    states: Sequence[Machine],
    timed: ThroughputConfig,
) -> list[dict[str, Any]]:
    read = [[read_json(path, dict[str, Any]) for path in listed] for listed in reports]
    times = [
        [milliseconds(report, target) for report in column] for column in zip(*read, strict=True)
    ]
    cores = () if target.config.board is None else target.config.board.cores
    same = {
        "target": target.name,
        "board": machine.board or machine.cpu_model or machine.machine,
        "threads": timed.threads,
        "batch": timed.batch,
        "image_px": timed.image_px,
        "rounds": len(reports),
        "slowest_mhz": _known(min, [each.slowest_mhz(cores) for each in states]),
        "highest_load": _known(max, [each.load for each in states]),
        "highest_celsius": _known(max, [each.celsius for each in states]),
        "evidence": target.evidence,
    }
    return [
        {
            **same,
            "package": str(run.package),
            "implementation": run.implementation,
            "checkpoint_sha256": report["checkpoint_sha256"],
            "ms": median(each),
            "ms_least": min(each),
            "ms_most": max(each),
            "speedup": median(times[0]) / median(each),
        }
        for run, report, each in zip(runs, read[0], times, strict=True)
    ]


def _known(choose: Any, values: Sequence[float | None]) -> float | None:
    """The least or the most of what was told."""
    told = [value for value in values if value is not None]
    found: float | None = choose(told, default=None)
    return found
