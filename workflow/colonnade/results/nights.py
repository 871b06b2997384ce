# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The history of nightly runs: cycles of each network by kinds of layers, in SQLite."""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError, first_line
from colonnade.common.files import make_folder, read_json
from colonnade.models.networks import network
from colonnade.results.nightly import run_name
from colonnade.results.provenance import revision
from colonnade.results.records import CycleBaseline, NightlyRun
from colonnade.results.tables import NIGHTS, write_table

ALL = "all layers"
"""Beside the kinds: the whole network."""
_TABLE = (
    "CREATE TABLE IF NOT EXISTS kinds (git_commit TEXT, at TEXT, model TEXT, run TEXT, layers TEXT,"
    " cycles INTEGER, PRIMARY KEY (git_commit, run, layers))"
)


def write_nights(
    reports: Sequence[Path], baseline: Path | None, history: Path, table: Path
) -> None:
    """Add runs to the history, and write all nights of these runs as `nights.csv`, oldest first.

    Of one commit the last night counts; with uncommitted changes it is another one, with a `+`.

    Raises:
        ColonnadeError: a report or the baseline is damaged, or `history` is no history.
    """
    theirs = {} if baseline is None else read_json(baseline, CycleBaseline)["runs"]
    found = revision()
    night = {
        "git_commit": f"{found['git_commit'] or 'unknown'}{'+' if found['dirty'] else ''}",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    rows: list[dict[str, Any]] = []
    before: dict[tuple[str, str], int] = {}
    for path in reports:
        report = read_json(path, NightlyRun)
        model, run = report["model"], run_name(report)
        ours = {layer["name"]: layer["cycles"] for layer in report["layers"]}
        for kind, cycles in cycles_by_kind(model, ours).items():
            rows.append({**night, "model": model, "run": run, "layers": kind, "cycles": cycles})
        if run in theirs:
            layers = {name: layer["cycles"] for name, layer in theirs[run]["layers"].items()}
            before |= {
                (run, kind): cycles for kind, cycles in cycles_by_kind(model, layers).items()
            }
    nights = _remembered(rows, history)
    wanted = {row["run"] for row in rows}
    write_table(
        table,
        NIGHTS,
        [
            {**row, "baseline_cycles": before.get((row["run"], row["layers"]))}
            for row in nights
            if row["run"] in wanted
        ],
    )


def cycles_by_kind(model: str, layers: Mapping[str, int]) -> dict[str, int]:
    """Cycles of a network's layers by their kind, after those of all."""
    kinds = layer_kinds(model)
    found = Counter({ALL: sum(layers.values())})
    for name, cycles in layers.items():
        found[kinds.get(name, "other layers")] += cycles
    return dict(found)


def layer_kinds(model: str) -> dict[str, str]:
    """The kind of each convolution of a network, by its name."""
    graph = network(model, 1)
    kinds, images = {}, graph.image_convs
    for conv in graph.convs:
        if conv in images:
            kinds[conv.name] = "convolutions that read images"
        elif conv.groups > 1:
            kinds[conv.name] = f"{'depthwise' if conv.is_depthwise else 'grouped'} convolutions"
        else:
            kinds[conv.name] = f"{conv.kernel[0]}x{conv.kernel[1]} convolutions"
    return kinds


def _remembered(rows: Sequence[Mapping[str, Any]], history: Path) -> list[dict[str, Any]]:
    """Add rows to the history, and return all of it."""
    make_folder(history.parent)
    columns = ("git_commit", "at", "model", "run", "layers", "cycles")
    try:
        with closing(sqlite3.connect(history)) as base, base:
            base.execute(_TABLE)
            base.executemany(
                "INSERT OR REPLACE INTO kinds VALUES (?, ?, ?, ?, ?, ?)",
                [tuple(row[name] for name in columns) for row in rows],
            )
            nights = base.execute("SELECT * FROM kinds ORDER BY at, git_commit, rowid").fetchall()
    except sqlite3.Error as error:
        raise ColonnadeError(
            f"{history}: no history of nightly runs: {first_line(error)}"
        ) from error
    return [dict(zip(columns, night, strict=True)) for night in nights]
