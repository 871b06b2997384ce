# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Runs a grid of configurations, one run of the workflow after the other, and collects one table.

A cell is a network with a batch: one configuration, with a folder of results. Within it, threads and
datatypes are runs of the rule `over_band`. What is there is not run again, so that a grid that was
stopped goes on by the same command.
"""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.progress import duration
from colonnade.common.reference import REFERENCE
from colonnade.config.errors import COMMAND_LINE
from colonnade.config.grid import Grid
from colonnade.config.reading import check_threads
from colonnade.config.sources import parse_command_line
from colonnade.evaluation.runs import BandRun
from colonnade.evaluation.tables import band_rows
from colonnade.results.tables import THROUGHPUT_BAND, write_table
from colonnade.targets.target import Target
from colonnade.validation.sensitivity import read_reports
from colonnade.workflow.networks import DENSE
from colonnade.workflow.time_left import RECORDED, Costs
from colonnade.workflow.workflow import Workflow

TABLE = "grid.csv"
# Multiply-accumulates of ResNet-18's convolutions at 224 px, of which typical durations are.
_TYPICAL_MACS = 1.8e9


@dataclass(frozen=True)
class Cell:
    """A network with a batch: `entries` of the command line on top of the grid's files."""

    name: str
    folder: str
    entries: Sequence[str]
    plan: Workflow
    grid: Grid

    @cached_property
    def runs(self) -> list[list[BandRun]]:
        """Runs for each number of threads: the baseline first, then every datatype and variant."""
        ours = [
            (DENSE, "colnm_dense"),
            *((variant, "colnm_tuned") for variant in self.plan.networks.variants[1:]),
        ]
        return [
            [
                BandRun(REFERENCE, DENSE, "f32", threads),
                *(
                    BandRun(implementation, variant, dtype, threads)
                    for dtype in self.grid.dtypes
                    for variant, implementation in ours
                ),
            ]
            for threads in self.grid.threads
        ]

    def file(self, run: BandRun) -> Path:
        """Where a run is written: as rule `over_band` has it."""
        return Path(f"{self.folder}/sensitivity/{run.variant}/{run.name}.json")

    @property
    def missing(self) -> list[Path]:
        """Files of the runs that are not there yet."""
        files = [self.file(run) for runs in self.runs for run in runs]
        return [path for path in files if not path.exists()]

    def seconds_left(self) -> float:
        """What the missing runs and searches will take a machine of two cores, about."""
        convs = self.plan.convolutions
        searches = [
            conv
            for conv in convs.distinct
            if not Path(f"{self.folder}/profile/{conv}.json").exists()
        ]
        macs = sum(shape.macs for _, shape in convs.layers)
        costs = Costs(RECORDED / f"{self.folder}.json")
        count = {"over_band": len(self.missing), "profile": len(searches) if self.missing else 0}
        return sum(
            number * costs.of(rule, typical_share=macs / _TYPICAL_MACS)
            for rule, number in count.items()
        )


def plan_grid(grid: Grid, source: str) -> list[Cell]:
    """The cells of a grid, each with its checked configuration.

    Args:
        grid: what is run.
        source: the file that it is of, which messages name.

    Raises:
        ColonnadeError: a configuration is wrong; one line for every mistake.
    """
    patterns = [{"sparsity": each, "m": "full"} for each in grid.sparsities]
    cells: list[Cell] = []
    problems: list[str] = []
    for network, dense in grid.networks.items():
        for batch in grid.batches:
            name = f"{network}-b{batch}"
            folder = f"{grid.results}/{name}"
            entries = [
                f"results={folder}",
                f"model.name={network}",
                f"throughput.batch={batch}",
                f"throughput.threads={min(grid.threads)}",
                f"pruning.skip={json.dumps(dense)}",
                f"pruning.patterns={json.dumps(patterns)}",
            ]
            files = list(reversed(grid.configfiles))
            try:
                plan = Workflow.from_config(parse_command_line(entries), files)
                most = max(grid.threads)
                check_threads(most, plan.config.target, plan.target, key=f"{source}: threads")
            except ColonnadeError as error:
                problems += _of_grid(str(error), source, network)
            else:
                cells.append(Cell(name, folder, entries, plan, grid))
    if problems:
        raise ColonnadeError("\n".join(dict.fromkeys(problems)))
    return cells


def _of_grid(problems: str, source: str, network: str) -> Iterator[str]:
    """Lines on a cell's configuration as lines on the grid's file, whose keys make it what it is."""
    keys = {
        "results": "results",
        "throughput.batch": "batches",
        "throughput.threads": "threads",
        "pruning.skip": f"networks.{network}",
        "pruning.patterns": "sparsities",
    }
    for line in problems.splitlines():
        text = line.removeprefix(f"{COMMAND_LINE}: ")
        key = next((each for each in keys if text.startswith((f"{each}:", f"{each}."))), None)
        if key is not None:
            rest = text.removeprefix(key).replace(f"{COMMAND_LINE} results=", "results: ")
            yield f"{source}: {keys[key]}{rest}"
        else:
            yield line if text == line else f"{source}: {text}"


def told(cells: Sequence[Cell]) -> str:
    """How much of a grid there is, how much is left, and how long that will take."""
    runs = sum(len(each) for cell in cells for each in cell.runs)
    left = {cell.name: cell.seconds_left() for cell in cells if cell.missing}
    missing = sum(len(cell.missing) for cell in cells)
    text = f"{len(cells)} networks and batches, {runs} runs, {runs - missing} there"
    if not left:
        return text
    each = ", ".join(f"{name} {duration(seconds)}" for name, seconds in left.items())
    total = duration(sum(left.values()))
    return f"{text}; about {total} left on a machine of two cores: {each}"


def run_grid(
    cells: Sequence[Cell], options: Sequence[str], say: Callable[[str], None]
) -> list[str]:
    """Make what is missing, cell by cell; returns the names of those that failed.

    Args:
        cells: the grid's.
        options: of Snakemake, such as `--workflow-profile profiles/slurm`.
        say: told before each cell what is left.
    """
    failed = []
    for index, cell in enumerate(cells):
        missing = cell.missing
        if not missing:
            continue
        say(told(cells[index:]))
        command = ["snakemake", *map(str, missing), *options]
        command += ["--configfile", *map(str, cell.grid.configfiles), "--config", *cell.entries]
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(cell.name)
    return failed


def write_grid(cells: Sequence[Cell], target: Target, table: Path) -> None:
    """Write what is there of a grid as one table, with the columns of `throughput_band.csv`.

    Speedups are over XNNPACK's dense network in f32, on as many threads.

    Args:
        cells: the grid's; those that miss runs are left out.
        target: on which they ran.
        table: the file to write.

    Raises:
        ColonnadeError: a file of a run is damaged.
    """
    rows: list[dict[str, Any]] = []
    for cell in cells:
        if cell.missing:
            continue
        for runs in cell.runs:
            found = read_reports([(run, cell.file(run)) for run in runs])
            patterns = [cell.plan.networks.pattern_columns(run.variant) for run in runs]
            pairs = list(zip(found.values(), patterns, strict=True))
            rows += band_rows(target, cell.plan.config.throughput, pairs)
    write_table(table, THROUGHPUT_BAND, rows)
