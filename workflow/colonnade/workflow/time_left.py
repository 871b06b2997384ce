# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How long a run of the workflow will take, from what its rules took before.

Steps differ from under a second to minutes, so their number says little. A rule's cost is the time that
a job of it takes of the whole machine: its seconds, times the share of the cores that it occupies.
Costs are those of the last runs into the same folder of results, or typical ones where there are none.
"""

import logging
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_record, write_text
from colonnade.common.progress import LINE_SECONDS, duration

# Beside Snakemake's own records of this checkout: a file for each folder of results.
RECORDED = Path(".snakemake/durations")
# Seconds of a machine with two cores, with the configuration that is the default.
TYPICAL: Mapping[str, float] = {
    **{"toolchain": 125, "kernels_riscv64": 100, "kernels_host": 60, "timing_model": 2},
    "kernels_aarch64": 150,
    **{
        "train": 25,
        "prune": 16,
        "package": 1.5,
        "packages_table": 0.5,
        "evaluate": 34,
        "accuracy_table": 0.3,
    },
    **{"profile": 13, "schedules": 0.5, "bounds": 0.5, "packing": 0.5},
    **{"kernels_baselines": 130, "dense_baselines": 12, "dense_baselines_table": 0.5},
    **{"refine": 90, "audit_tuner": 120, "tuner_quality": 0.5},
    **{
        "images": 0.5,
        "throughput": 4,
        "throughput_on_target": 4,
        "throughput_table": 0.5,
        "decomposition_table": 0.5,
        "throughput_cores_table": 0.5,
    },
    **{"validation": 45, "over_band": 80},
    **{"band_core": 0.3, "retune": 150, "throughput_retuned": 4, "retuned_table": 0.5},
    **{"model_sensitivity": 0.5, "claims": 0.5, "provenance": 0.5, "regression": 0.5},
    **{"checklist": 0.5, "layer_regression": 1, "nights": 1, "night_page": 3, "wheel": 20},
    **{"nightly_network": 15, "nightly_run": 30},
    **{"paper_network": 30, "figure_profile": 13, "figure_schedules": 0.5},
    **{"paper_table": 0.5, "paper_claims": 0.5, "paper_figure": 1},
    **{"report_section": 2, "report": 1},
    **{
        "study_start": 75,
        "study_finetune": 90,
        "study_evaluate": 3,
        "study_table": 2,
        "tile_curve": 2,
    },
    **{"small_study_start": 90, "small_study_finetune": 20},
    **{"small_study_evaluate": 7, "small_study_table": 2},
    **{"study_candidate": 75, "recipe_search": 0.5},
    **{"tile_options": 8, "layer_sensitivity": 600, "budget": 2, "budget_prune": 100, "pareto": 60},
    **{"budget_package": 2, "budget_throughput": 12},
    **{"peers": 200, "compared_profile": 45, "compared_schedules": 0.5},
    **{"compared_refinement": 150, "compare": 480, "comparison_table": 1},
    **{"photograph_packages": 10, "photograph_networks": 40, "photograph_run": 30},
    **{"photographs_table": 0.5},
    **{"settings": 0, "scope": 0},
}
# Of rules that are named as most of the time left.
_NAMED = 3
# Of a new cost in the mean with the recorded ones.
_NEW_SHARE = 0.5


class Recorded(BaseModel):
    """The file of recorded costs, by rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    costs: dict[str, float] = Field(default_factory=dict)


class Costs:
    """Costs of rules, recorded in a file."""

    def __init__(self, path: Path) -> None:
        """Begin with those in `path`; of a file that is missing or damaged, with none."""
        self._path = path
        self._recorded: dict[str, float] = {}
        try:
            known = read_record(path, Recorded).costs if path.exists() else {}
        except ColonnadeError:
            # It holds nothing but estimates: a new one takes its place.
            known = {}
        self._recorded = {name: cost for name, cost in known.items() if 0 <= cost < math.inf}

    def of(self, rule: str, typical_share: float = 1) -> float:
        """Of a job of the rule; rules that only group others cost nothing.

        Args:
            rule: its name.
            typical_share: how much larger the job is than one that is typical, of which costs are told
                where none are recorded.
        """
        return self._recorded.get(rule, TYPICAL.get(rule, 0.0) * typical_share)

    def add(self, rule: str, cost: float) -> None:
        """Record what a job took; where the file cannot be written, for this run alone."""
        before = self._recorded.get(rule, cost)
        self._recorded[rule] = round(before + _NEW_SHARE * (cost - before), 3)
        with suppress(ColonnadeError):
            write_text(self._path, Recorded(costs=self._recorded).model_dump_json(indent=2) + "\n")


@dataclass(frozen=True)
class _Running:
    rule: str
    share: float
    since: float


@dataclass
class Run:
    """A run of the workflow: what is planned, and what is running."""

    costs: Costs
    cores: int
    planned: Counter[str] = field(default_factory=Counter)
    running: dict[int, _Running] = field(default_factory=dict)

    def plan(self, jobs: Mapping[str, int]) -> None:
        """These jobs are to be done, so many of each rule."""
        self.planned = Counter(jobs)

    def start(self, job: int, rule: str, threads: int, now: float) -> None:
        """A planned job begins."""
        self.planned[rule] -= 1
        self.running[job] = _Running(rule, min(1.0, threads / self.cores), now)

    def finish(self, job: int, now: float) -> None:
        """A job has ended well."""
        ended = self.running.pop(job, None)
        if ended is not None:
            self.costs.add(ended.rule, (now - ended.since) * ended.share)

    def left(self, now: float) -> dict[str, float]:
        """Seconds that are left, by rule."""
        left = {
            rule: count * self.costs.of(rule) for rule, count in self.planned.items() if count > 0
        }
        for job in self.running.values():
            rest = self.costs.of(job.rule) - (now - job.since) * job.share
            left[job.rule] = left.get(job.rule, 0.0) + max(0.0, rest)
        return left

    def is_late(self, now: float) -> bool:
        """Whether a running job has taken longer than its rule did before: no one knows how long yet."""
        return any(
            (now - job.since) * job.share > max(self.costs.of(job.rule), LINE_SECONDS)
            for job in self.running.values()
        )

    def text(self, now: float) -> str:
        """The time left, and the rules that take most of it."""
        left = self.left(now)
        longest = sorted((rule for rule in left if left[rule] >= 1), key=lambda rule: -left[rule])
        most = f", most of it for {', '.join(longest[:_NAMED])}" if longest else ""
        least = "at least " if self.is_late(now) else ""
        return f"{least}about {duration(sum(left.values()))} left{most}"


class TimeLeft(logging.Handler):
    """Listens to Snakemake's events and says on stderr how long a run will still take."""

    def __init__(
        self, cores: int, recorded: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """For a run on so many cores, with costs recorded in the file `recorded`."""
        super().__init__()
        self._run = Run(Costs(recorded), cores)
        self._clock = clock
        self._said = -math.inf

    def emit(self, record: logging.LogRecord) -> None:
        """Take one event; other records have none. A run does not fail for want of an estimate."""
        try:
            self._take(vars(record))
        except Exception:
            self.handleError(record)

    def _take(self, values: Mapping[str, Any]) -> None:
        name = getattr(values.get("event"), "value", None)
        now, run = self._clock(), self._run
        # A dry run tells its plan twice.
        if name == "run_info" and not run.planned:
            run.plan({rule: count for rule, count in values["stats"].items() if rule != "total"})
            self._say(now)
        elif name == "job_info":
            run.start(values["jobid"], values["rule_name"], values["threads"], now)
        elif name == "job_finished":
            run.finish(values["job_id"], now)
        elif name == "progress" and now - self._said >= LINE_SECONDS:
            self._say(now)

    def _say(self, now: float) -> None:
        self._said = now
        print(f"Time: {self._run.text(now)}", file=sys.stderr, flush=True)


def show_time_left(logger: logging.Logger, cores: int | None, results: str) -> None:
    """Have a run say how long it will still take, through Snakemake's logger; once, if called again.

    Args:
        logger: Snakemake's.
        cores: how many the run has.
        results: the folder of its results, for which costs are recorded.
    """
    if not any(isinstance(handler, TimeLeft) for handler in logger.handlers):
        logger.addHandler(TimeLeft(cores or 1, RECORDED / f"{results}.json"))
