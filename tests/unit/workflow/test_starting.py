# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How a run ends and what it says then, with a stand-in for Snakemake itself."""

import argparse
import logging
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from snakemake import cli
from snakemake.api import SnakemakeApi
from snakemake.exceptions import LockException, MissingRuleException, WorkflowError
from snakemake.logging import logger
from snakemake.persistence import PersistenceBase

from colonnade.common.errors import ColonnadeError
from colonnade.workflow import start as start_module
from colonnade.workflow.start import INTERRUPTED, start, unknown_target, with_keys

Ended = Callable[..., int]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Ended]:
    """Starts a run of `work` in an empty folder; returns its exit status. Nothing of it stays."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "SnakemakeApi", SnakemakeApi)
    monkeypatch.setattr(PersistenceBase, "lock_warn_only", PersistenceBase.lock_warn_only)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    filters = list(logger.filters)

    def run(work: Callable[[Any], Any], **given: Any) -> int:
        args = argparse.Namespace(**{"snakefile": None, "configfile": None, **given})
        monkeypatch.setattr(cli, "parse_args", lambda _: ("parser", args))
        monkeypatch.setattr(cli, "args_to_api", lambda args, _parser: work(args))
        with pytest.raises(SystemExit) as status:
            start()
        assert isinstance(status.value.code, int)
        return status.value.code

    yield run
    signal.signal(signal.SIGINT, before)
    logger.filters[:] = filters


@pytest.mark.parametrize(("succeeds", "status"), [(True, 0), (False, 1)])
def test_a_run_ends_as_snakemake_does(ended: Ended, succeeds: bool, status: int) -> None:
    ours: list[Any] = []

    def work(_: Any) -> bool:
        ours.extend([cli.SnakemakeApi, PersistenceBase.lock_warn_only])
        return succeeds

    assert ended(work) == status
    assert ours == [start_module._Api, PersistenceBase.noop]


def test_snakemake_gets_the_files_that_hold_keys(ended: Ended, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "one.yaml").write_text("seed: 1\n")
    (checkout / "none.yaml").write_text("# nothing\n")
    given = [Path("one.yaml"), Path("none.yaml")]
    found: list[list[Path]] = []

    def work(args: Any) -> bool:
        found.append(args.configfile)
        return True

    assert ended(work, snakefile=str(checkout / "Snakefile"), configfile=given) == 0
    assert found == [[checkout / "one.yaml"]]
    assert ended(work) == 0
    assert found[1] == []


def test_files_that_cannot_be_read_end_it_before_snakemake_starts(
    ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = argparse.Namespace(snakefile=None, configfile=[Path("a.yaml"), Path("b.yaml")])
    monkeypatch.setattr(cli, "parse_args", lambda _: ("parser", args))
    monkeypatch.setattr(cli, "args_to_api", lambda *_: pytest.fail("started"))
    with pytest.raises(ColonnadeError) as caught:
        start()
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["a.yaml", "b.yaml"]


def test_what_goes_wrong_outside_of_jobs_is_told_as_snakemake_tells_it(
    ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Exception] = []
    monkeypatch.setattr(start_module, "print_exception", told.append)
    problem = WorkflowError("no such profile")

    def work(_: Any) -> NoReturn:
        raise problem

    assert ended(work) == 1
    assert told == [problem]


def test_an_interruption_is_said_at_the_end_and_its_jobs_are_no_errors(
    ended: Ended, capsys: pytest.CaptureFixture[str]
) -> None:
    passed: dict[str, list[bool]] = {}

    def record(level: int) -> bool:
        made = logging.LogRecord("snakemake", level, "", 0, "a job", None, None)
        return all(bool(each.filter(made)) for each in logger.filters)

    def work(_: Any) -> NoReturn:
        levels = (logging.INFO, logging.WARNING, logging.ERROR)
        passed["before"] = [record(level) for level in levels]
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            passed["after"] = [record(level) for level in levels]
        raise AssertionError

    assert ended(work) == 130
    assert passed == {"before": [True, True, True], "after": [True, False, False]}
    assert capsys.readouterr().err == f"{INTERRUPTED}\n"


def test_a_run_that_caught_the_interruption_says_so_too(
    ended: Ended, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(_: Any) -> bool:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return False

    assert ended(work) == 1
    assert capsys.readouterr().err == f"{INTERRUPTED}\n"


def test_an_interruption_that_nobody_sent_is_not_spoken_of(
    ended: Ended, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(_: Any) -> NoReturn:
        raise KeyboardInterrupt

    assert ended(work) == 130
    assert capsys.readouterr().err == ""


def test_in_the_background_the_terminals_keys_stay_ignored(ended: Ended) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def work(_: Any) -> bool:
        signal.raise_signal(signal.SIGINT)
        return True

    assert ended(work) == 0
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


class _Rule:
    """A rule of a workflow, by name, with what it makes."""

    def __init__(self, name: str, *output: str) -> None:
        self.name, self.output = name, output

    def has_wildcards(self) -> bool:
        return any("{" in each for each in self.output)

    def is_producer(self, target: str) -> bool:
        return target in self.output


RULES = [_Rule("full-run"), _Rule("report", "results/report.html"), _Rule("train", "{x}.st")]

Told = Callable[..., list[Exception]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Has a problem told; returns the exceptions of which Snakemake itself tells."""
    theirs: list[Exception] = []
    monkeypatch.setattr(SnakemakeApi, "print_exception", lambda _, ex: theirs.append(ex))

    def tell(problem: Exception, *targets: str) -> list[Exception]:
        api: Any = start_module._Api.__new__(start_module._Api)
        workflow = SimpleNamespace(
            rules=RULES,
            dag_settings=SimpleNamespace(targets=targets),
            is_rule=lambda name: any(rule.name == name for rule in RULES),
        )
        api._workflow_api = SimpleNamespace(_workflow_store=workflow)
        api.print_exception(problem)
        return theirs

    return tell


def test_a_lock_of_a_live_run_is_told_in_our_words(
    told: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start_module, "another_is_alive", lambda: True)
    assert told(LockException()) == []
    assert capsys.readouterr().err == (
        "error: another run makes the same files now; wait until it has ended, then give the same"
        " command again: what is finished is kept\n"
    )
    # One that nobody holds, as where the file system knows no locks, is Snakemake's to tell.
    monkeypatch.setattr(start_module, "another_is_alive", lambda: False)
    problem = LockException()
    assert told(problem) == [problem]


def test_any_other_problem_is_snakemakes_to_tell(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = WorkflowError("cyclic")
    assert told(problem, "no-such-target") == [problem]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("targets", "lines", "by_snakemake"),
    [
        (("full-run", "reprt"), ["reprt: no such target; did you mean 'report'?"], False),
        (("x", "y"), ["x: no such target;", "y: no such target;"], False),
        # A file is Snakemake's to tell of, a name beside it ours.
        (("results/none", "fulrun"), ["fulrun: no such target; did you mean 'full-run'?"], True),
        (("results/none",), [], True),
        # Nothing is wrong with what was asked for, but with what that needs.
        (("report", "results/report.html"), [], True),
        # A rule with wildcards cannot be asked for by name, so it is nobody's guess.
        (("trin",), ["trin: no such target;"], False),
    ],
)
def test_targets_that_no_rule_makes_are_named(
    told: Told,
    capsys: pytest.CaptureFixture[str],
    targets: tuple[str, ...],
    lines: list[str],
    by_snakemake: bool,
) -> None:
    problem = MissingRuleException("some file")
    assert told(problem, *targets) == ([problem] if by_snakemake else [])
    expected = "".join(f"error: {line} targets: full-run\n" for line in lines)
    assert capsys.readouterr().err == expected


def test_what_is_close_is_guessed_among_all_names() -> None:
    assert unknown_target("reprt", ["all"], ["report"]) == (
        "reprt: no such target; did you mean 'report'? targets: all"
    )


def test_files_without_keys_are_left_out(tmp_path: Path) -> None:
    for name, text in (("a", "seed: 1\n"), ("b", ""), ("c", "# none\n"), ("d", "model: {}\n")):
        (tmp_path / name).write_text(text)
    files = [tmp_path / name for name in "abcd"]
    assert with_keys(files, tmp_path) == [tmp_path / "a", tmp_path / "d"]
