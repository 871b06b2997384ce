# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The time that a run will take: from recorded costs, by the events that Snakemake tells."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from colonnade.common.progress import LINE_SECONDS
from colonnade.workflow.time_left import TYPICAL, Costs, Run, TimeLeft, show_time_left

ROOT = Path(__file__).resolve().parents[3]


class Snakemake:
    """Tells a handler what Snakemake would, while a clock moves."""

    def __init__(self, recorded: Path, cores: int = 2) -> None:
        self.now = 50.0
        self.handler = TimeLeft(cores, recorded, lambda: self.now)

    def tell(self, event: LogEvent, **values: Any) -> None:
        record = logging.LogRecord("snakemake", logging.INFO, "", 0, None, None, None)
        record.__dict__.update(values, event=event)
        self.handler.handle(record)

    def run(self, job: int, rule: str, seconds: float, threads: int = 1) -> None:
        self.tell(LogEvent.JOB_INFO, jobid=job, rule_name=rule, threads=threads)
        self.now += seconds
        self.tell(LogEvent.JOB_FINISHED, job_id=job)
        self.tell(LogEvent.PROGRESS, done=job, total=9)


def test_every_rule_has_a_typical_cost() -> None:
    files = [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]
    text = "\n".join(map(Path.read_text, files))
    rules = re.findall(r"^(?:rule|use rule \w+ as) (\w+)(?: with)?:", text, re.MULTILINE)
    assert "small_study_finetune" in rules
    assert set(rules) == set(TYPICAL)


def test_a_job_that_takes_longer_than_before_leaves_a_lower_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = tmp_path / "durations.json"
    recorded.write_text(json.dumps({"costs": {"train": 20, "prune": 60}}))
    snakemake = Snakemake(recorded)
    snakemake.tell(LogEvent.RUN_INFO, stats={"train": 1, "prune": 2})
    assert capsys.readouterr().err.startswith("Time: about 2 min left")
    snakemake.tell(LogEvent.JOB_INFO, jobid=1, rule_name="train", threads=2)
    # 50 s of the machine, which makes 55 of the next.
    snakemake.run(2, "prune", 100)
    assert capsys.readouterr().err == "Time: at least about 55 s left, most of it for prune\n"


def test_a_run_is_weighed_by_what_its_steps_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = tmp_path / "durations.json"
    recorded.write_text(json.dumps({"costs": {"evaluate": 60, "report": 3, "full-run": 0}}))
    snakemake = Snakemake(recorded)
    plan = {"evaluate": 3, "report": 1, "full-run": 1, "total": 5}
    for _ in range(2):
        # A dry run tells it twice.
        snakemake.tell(LogEvent.RUN_INFO, stats=plan)
    assert capsys.readouterr().err == ("Time: about 3 min left, most of it for evaluate, report\n")
    # 120 s on one of two cores are 60 s of the machine.
    snakemake.run(1, "evaluate", 120)
    assert capsys.readouterr().err == ("Time: about 2 min left, most of it for evaluate, report\n")
    snakemake.run(2, "evaluate", 120)
    snakemake.run(3, "evaluate", 120)
    assert capsys.readouterr().err.splitlines()[-1] == "Time: about 3 s left, most of it for report"


def test_what_a_running_job_has_behind_it_is_not_left(tmp_path: Path) -> None:
    recorded = tmp_path / "durations.json"
    recorded.write_text(json.dumps({"costs": {"train": 40}}))
    run = Run(Costs(recorded), cores=4)
    run.plan({"train": 2})
    run.start(1, "train", threads=4, now=0)
    assert run.left(0) == {"train": 80}
    assert run.left(30) == {"train": 50}
    # It takes longer than it should: nothing is owed.
    assert run.left(100) == {"train": 40}


def test_costs_are_recorded_for_the_next_run(tmp_path: Path) -> None:
    recorded = tmp_path / "folder/durations.json"
    snakemake = Snakemake(recorded)
    snakemake.tell(LogEvent.RUN_INFO, stats={"train": 2, "total": 2})
    snakemake.run(1, "train", 30, threads=2)
    assert Costs(recorded).of("train") == 30
    snakemake.run(2, "train", 50, threads=8)
    assert Costs(recorded).of("train") == 40
    assert Costs(recorded).of("evaluate") == TYPICAL["evaluate"]
    assert Costs(recorded).of("full-run") == 0


@pytest.mark.parametrize(
    "content", ["{", '{"costs": {"train": "long"}}', '{"costs": {"train": -1}}']
)
def test_damaged_records_are_replaced(tmp_path: Path, content: str) -> None:
    recorded = tmp_path / "durations.json"
    recorded.write_text(content)
    costs = Costs(recorded)
    assert costs.of("train") == TYPICAL["train"]
    costs.add("train", 7)
    assert Costs(recorded).of("train") == 7


def test_lines_come_now_and_then(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    snakemake = Snakemake(tmp_path / "durations.json")
    snakemake.tell(LogEvent.RUN_INFO, stats={"profile": 40, "total": 40})
    for job in range(40):
        snakemake.run(job, "profile", 1)
    assert len(capsys.readouterr().err.splitlines()) == 1 + 40 / LINE_SECONDS


def test_a_run_does_not_fail_for_want_of_an_estimate(tmp_path: Path) -> None:
    snakemake = Snakemake(tmp_path)
    snakemake.tell(LogEvent.RUN_INFO, stats={"train": 1})
    # The place of the records is a folder, and events come that tell nothing.
    snakemake.run(1, "train", 1)
    snakemake.tell(LogEvent.JOB_FINISHED, job_id=17)
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, "text", None, None)
    snakemake.handler.handle(record)


def test_one_listener_is_enough() -> None:
    logger = logging.Logger("of a test")
    for _ in range(2):
        show_time_left(logger, None, "results")
    assert len(logger.handlers) == 1
