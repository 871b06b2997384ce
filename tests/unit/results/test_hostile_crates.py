# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Results of a stranger: to verify them reads no other files, changes none, and runs nothing of his."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.results import verification
from colonnade.results.crate import METADATA, SUMS, files_of
from colonnade.results.crate import sha256_file as sha256
from colonnade.results.tables import VALIDATION, write_table

from .invented import CLAIMS, invent

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SECRET = "the secret of this machine, 31415"
# Values of commands that name no file; what they may be, each command checks.
WORDS = {
    *("section name", "report left_out", "claims in_part", "budget speedup"),
    *("throughput_cores others", "sensitivity_retuned cores"),
}
# What Python reports of a process before it opens, changes or runs something: events and, of the
# arguments, that of the path.
WRITES = {
    "os.remove": 0,
    "os.rename": 1,
    "os.rmdir": 0,
    "os.mkdir": 0,
    "os.symlink": 1,
    "os.link": 1,
}
RUNS = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "socket.connect")


class _Watched:
    """What this process does while it is watched; a hook of Python's stays until its end."""

    events: list[tuple[str, Any]] | None = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _Watched.events is not None and (event == "open" or event in WRITES or event in RUNS):
        _Watched.events.append((event, arguments))


sys.addaudithook(_watch)


@contextmanager
def watched() -> Iterator[list[tuple[str, Any]]]:
    _Watched.events = found = []
    try:
        yield found
    finally:
        _Watched.events = None


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        invent(folder)
    return folder


@pytest.fixture
def results(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(ROOT)
    (tmp_path / "secret.csv").write_text(f"value\n{SECRET}\n")
    (tmp_path / "secret.json").write_text(json.dumps({"vlen": SECRET}))
    return Path(shutil.copytree(original, tmp_path / "results"))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def refused(results: Path) -> str:
    """What is said of the results; nothing beside them is read, and nothing at all is changed."""
    above = results.parent
    before = contents(above)
    with watched() as events, pytest.raises(ColonnadeError) as error:
        cli.main(["verify", str(results)], standalone_mode=False)
    assert contents(above) == before
    assert SECRET not in str(error.value)
    for event, arguments in events:
        assert event not in RUNS, arguments
        if event == "open":
            path, mode, flags = arguments
            named = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
            assert not named.startswith(str(above)) or named.startswith(f"{results}/"), named
            writes = bool(flags & (os.O_WRONLY | os.O_RDWR)) and named not in (os.devnull, "")
            assert not writes or Path(named).name.startswith("."), (named, mode)
            assert not (writes and named.startswith(str(above))), named
        elif event in WRITES:
            changed = os.fsdecode(arguments[WRITES[event]])
            assert not Path(changed).absolute().is_relative_to(above), (event, changed)
    assert all(each.isprintable() for each in str(error.value).replace("\n", ""))
    return str(error.value)


def crate(results: Path) -> dict[str, Any]:
    return dict(json.loads((results / METADATA).read_text()))


def save(results: Path, document: dict[str, Any]) -> None:
    """Write the crate and all checksums, as one who has nothing to lose would."""
    for each in document["@graph"]:
        if "sha256" in each and (results / each["@id"]).is_file():
            each["sha256"] = sha256(results / each["@id"])
    (results / METADATA).write_text(json.dumps(document))
    names = [*files_of(results), METADATA]
    (results / SUMS).write_text("".join(f"{sha256(results / each)}  {each}\n" for each in names))


def act(results: Path, command: str, made: list[str]) -> None:
    """Add a command to the crate."""
    document = crate(results)
    action = {"@id": "#hostile", "@type": "CreateAction", "description": command}
    document["@graph"].append({**action, "result": [{"@id": each} for each in made]})
    save(results, document)


OUTSIDE = ["../secret.csv", "{above}/secret.csv", "tables/../../secret.csv", ".hidden", "data/x"]


def test_a_name_that_leads_out_is_not_there(results: Path) -> None:
    names = [name.format(above=results.parent) for name in OUTSIDE]
    digest = sha256(results.parent / "secret.csv")
    document = crate(results)
    document["@graph"] += [{"@id": each, "@type": "File", "sha256": digest} for each in names[::2]]
    save(results, document)
    with (results / SUMS).open("a") as sums:
        sums.writelines(f"{digest}  {each}\n" for each in names[1::2])
    said = refused(results).splitlines()
    assert all(f"  {each}: not there" in said for each in names)


@pytest.mark.parametrize("name", ["tables/accuracy.csv", "tables", METADATA, SUMS, "report/new"])
@pytest.mark.parametrize("to", ["{above}/secret.csv", "../secret.csv", "{above}", ".", "/dev/zero"])
def test_a_symlink_is_refused(results: Path, name: str, to: str) -> None:
    link = results / name
    if link.is_dir():
        shutil.rmtree(link)
    else:
        link.unlink(missing_ok=True)
    link.symlink_to(to.format(above=results.parent))
    said = refused(results)
    assert said.startswith(f"{link}: a symlink to {to.format(above=results.parent)}; allowed: ")


def test_what_is_watched_is_seen(results: Path) -> None:
    """Else the tests here would pass whatever is done."""
    with watched() as events:
        (results / "seen").write_text("1")
        (results / "seen").rename(results / "moved")
        (results / "moved").unlink()
    assert [event for event, _ in events] == ["open", "os.rename", "os.remove"]


def test_a_pipe_which_would_be_waited_for_is_refused(results: Path) -> None:
    os.mkfifo(results / "tables/more.csv")
    assert "tables/more.csv: no regular file" in refused(results)


COMMANDS = [
    "colonnade step checklist claims.json {name}",
    "colonnade step checklist {name} report.html",
    "colonnade step claims {claims} {name} tables/accuracy.csv",
    "colonnade step section claims provenance.json report.html {name}",
    "colonnade step report --left-out validation {name} {name} {name} report.html {name}",
    "colonnade table accuracy {name} tables/accuracy.csv {name}",
]


@pytest.mark.parametrize("made", [True, False])
def test_a_command_that_names_a_file_elsewhere_is_not_run(results: Path, made: bool) -> None:
    names = [name.format(above=results.parent) for name in OUTSIDE]
    for name in names:
        for command in COMMANDS:
            words = command.format(name=name, claims=f"inputs/{CLAIMS}")
            act(results, words, [name if made else "report.html"])
    said = refused(results).splitlines()
    for name in names:
        reason = f"cannot be recomputed: its command names {name!r}, no file of these results"
        line = f"  {name}: not there" if made else f"  report.html: {reason}"
        assert said.count(line) == len(COMMANDS)


def test_a_command_is_known_by_the_words_that_run(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    for command in (
        "colonnade 'table' 'validation' report.html",
        "colonnade table va'lida'tion report.html",
        "colonnade step train report.html report.html",
        "colonnade build host --log report.html",
        "sh -c true report.html",
    ):
        act(results, command, ["report.html"])
    monkeypatch.setattr(
        "colonnade.cli.verify._run", lambda given, _: ran.append(" ".join(given[:2]))
    )
    refused(results)
    assert len(ran) > 5
    assert not re.search("validation|train|build|true", "\n".join(ran))


def test_a_command_that_writes_over_other_results_changes_nothing(results: Path) -> None:
    """Nor what later commands read: the tables that it forges are not believed."""
    for place, table in enumerate(("throughput", "accuracy", "packages")):
        act(
            results,
            f"colonnade step section words provenance.json tables/{table}.csv",
            ["report.html"],
        )
        document = crate(results)
        document["@graph"].insert(place, document["@graph"].pop())
        save(results, document)
    said = refused(results)
    assert "  report.html: cannot be recomputed: its command does not make it" in said
    assert "claims.json: line" not in said
    assert "claims.json: cannot" not in said


@pytest.mark.parametrize("function", ["READ_CSV", '"read_csv"', "read_csv/**/"])
def test_a_claim_that_reads_a_file_is_refused(results: Path, function: str) -> None:
    path = results / "inputs" / CLAIMS
    query = f"SELECT * FROM {function}('{results.parent / 'secret.csv'}')"
    text, count = re.subn(
        r"query: .*(\n {4,}.*)*", lambda _: f"query: {json.dumps(query)}", path.read_text(), count=1
    )
    assert count == 1
    path.write_text(text)
    save(results, crate(results))
    said = refused(results)
    assert "claims.json: cannot be recomputed" in said
    assert "no function that reads a file" in said


@pytest.mark.parametrize(
    "core", ["{above}/secret.json", "kernels/timing/cores/../../../secret.json"]
)
def test_settings_that_name_a_core_elsewhere_are_refused(results: Path, core: str) -> None:
    named = core.format(above=results.parent)
    (path,) = (results / "settings").glob("*.json")
    values = json.loads(path.read_text())
    assert values["target"]["core"].startswith("kernels/timing/cores/")
    path.write_text(json.dumps(values | {"target": values["target"] | {"core": named}}))
    name = path.relative_to(results)
    act(results, f"colonnade table bounds {name} report.html report.html", ["report.html"])
    said = refused(results)
    assert f"report.html: cannot be recomputed: target.core: {named!r}; allowed: " in said


def test_names_cannot_write_on_the_terminal(results: Path) -> None:
    document = crate(results)
    document["@graph"].append({"@id": "\x1b[2Jall is well", "@type": "File", "sha256": "0"})
    save(results, document)
    assert "  \\x1b[2Jall is well: not there" in refused(results)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("published", 0.0, "error_percent: 25.0; of 5.0 against 0.0 it is None"),
        ("published", None, "error_percent: 25.0; of 5.0 against None it is None"),
        ("modelled", None, "error_percent: 25.0; of None against 4.0 it is None"),
        ("error_percent", None, "error_percent: None; of 5.0 against 4.0 it is 25.0"),
        ("error_percent", float("nan"), "error_percent: nan; of 5.0 against 4.0 it is 25.0"),
    ],
)
def test_an_error_that_does_not_follow_from_its_values_is_told(
    results: Path, column: str, value: float | None, said: str
) -> None:
    row = dict.fromkeys(VALIDATION, "x") | {"published": 4.0, "modelled": 5.0}
    row |= {"error_percent": 25.0, "point": "sum m1"}
    write_table(results / "tables/validation.csv", VALIDATION, [row, row | {column: value}])
    save(results, crate(results))
    told = [line for line in refused(results).splitlines() if "sum m1" in line]
    assert told == [f"  tables/validation.csv: sum m1: {said}"]


def test_of_commands_that_are_run_again_all_files_are_known_as_such() -> None:
    found = set()
    for group in ("table", "step"):
        commands = cli.commands[group]
        assert isinstance(commands, click.Group)
        for name, command in commands.commands.items():
            if verification._is_pure(["colonnade", group, name]):
                found |= {
                    f"{name} {each.name}"
                    for each in command.params
                    if not isinstance(each.type, click.Path)
                }
    assert found == WORDS
