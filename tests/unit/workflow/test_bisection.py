# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The commit that broke something is found, and the checkout that is worked on is left alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError

from ..conftest import git

# Slower than 100 is a failure; where there is no number, nothing can be judged.
JUDGE = 'read -r cycles < cycles || exit 125; test "$cycles" -le 100'


@pytest.fixture
def commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Seven of a repository; the fifth makes it slower, and the third cannot be judged."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch=main", ".")
    Path(".gitignore").write_text(".colonnade\n.venv\n")
    found = []
    baseline = Path("results/baseline/layers.json")
    baseline.parent.mkdir(parents=True)
    for number, cycles in enumerate(("90\n", "91\n", "", "92\n", "103\n", "104\n", "105\n")):
        # It came at some time, and other commits have other ones.
        if number in (1, 3, 5):
            baseline.write_text(f"of {number}")
        Path("cycles").write_text(cycles)
        Path("number").write_text(str(number))
        git("add", "--all")
        git("commit", "--quiet", "--message", f"change {number}")
        found.append(git("rev-parse", "HEAD"))
    yield found
    # Whatever happened, no checkout is left.
    assert git("worktree", "list").count("\n") == 0


def test_the_first_bad_commit_is_named(
    commits: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("number").write_text("what is being worked on")
    cli.main(
        ["regression", "bisect", commits[0], "main", "--", "sh", "-c", JUDGE], standalone_mode=False
    )
    said = capsys.readouterr().out
    assert said.startswith(f"{commits[4]} change 4")
    assert "cycles" in said
    assert Path("number").read_text() == "what is being worked on"
    assert git("rev-parse", "--abbrev-ref", "HEAD") == "main"


@pytest.mark.parametrize("text", ["of 5", "of none of them"])
def test_all_commits_are_judged_by_the_baseline_that_is_here(
    commits: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("results/baseline/layers.json").write_text(text)
    judge = f'test "$(cat results/baseline/layers.json)" = "{text}" || exit 200; {JUDGE}'
    cli.main(
        ["regression", "bisect", commits[0], "main", "--", "sh", "-c", judge], standalone_mode=False
    )
    assert capsys.readouterr().out.startswith(f"{commits[4]} change 4")
    assert Path("results/baseline/layers.json").read_text() == text
    assert not list(Path(".colonnade").iterdir())


@pytest.mark.parametrize(
    ("good", "bad", "judge", "said"),
    [
        ("nowhere", "main", JUDGE, "git rev-parse: "),
        ("main", "main~6", JUDGE, "no first bad commit|git bisect: "),
        ("main~6", "main", "exit 200", "no first bad commit"),
    ],
    ids=["unknown", "reversed", "broken"],
)
def test_what_cannot_be_searched_is_told(
    commits: list[str], good: str, bad: str, judge: str, said: str
) -> None:
    with pytest.raises(ColonnadeError, match=said):
        cli.main(
            ["regression", "bisect", good, bad, "--", "sh", "-c", judge], standalone_mode=False
        )


def test_a_search_that_runs_already_is_left_alone(commits: list[str]) -> None:
    other = Path(".colonnade/bisect")
    other.mkdir(parents=True)
    with pytest.raises(ColonnadeError, match="bisect: there already; another search runs"):
        cli.main(["regression", "bisect", commits[0], "main", "true"], standalone_mode=False)
    assert other.exists()
