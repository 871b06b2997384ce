# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A shell in the toolchain and the bench by hand, a container and a board noting what they get."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from colonnade.cli import cli, toolchain
from colonnade.common.errors import ColonnadeError

ROOT = Path(__file__).resolve().parents[3]
RESULT = '{"conv":"c","cycles":3200000,"ms":null}\n'


@dataclass
class FakeContainer:
    """Writes lines to the output that a program in the container has, and returns a status."""

    printed: str = ""
    status: int = 0
    commands: list[list[str]] = field(default_factory=list)
    environments: list[Mapping[str, str]] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)

    def attach(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
        self.commands.append(list(command))
        self.environments.append(env or {})
        if "--shapes" in command:
            self.shapes.append(Path(command[list(command).index("--shapes") + 1]).read_text())
        os.write(1, self.printed.encode())
        return self.status


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout with the bench and the timing model of the X60, and a folder to work in."""
    for name in (
        *("containers/versions.env", "Snakefile"),
        *("results/build/riscv64/colonnade-bench", "results/build/host/colonnade-bench"),
        "results/build/timing/libcolonnade-timing.so",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "kernels/timing").mkdir(parents=True)
    (tmp_path / "kernels/timing/cores").symlink_to(ROOT / "kernels/timing/cores")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/targets").symlink_to(ROOT / "config/targets")
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    return tmp_path


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> FakeContainer:
    fake = FakeContainer()
    monkeypatch.setattr(toolchain, "container", lambda: fake)
    return fake


def typed(*words: str) -> int:
    """The exit status of a command."""
    with pytest.raises(SystemExit) as left:
        cli(words, standalone_mode=False)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_the_image_is_built_by_the_engine_and_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Engine:
        def build(self, root: Path) -> "Engine":
            assert root == Path()
            return self

        def save(self, output: Path) -> None:
            output.write_text("the image")

    engines = {"podman": Engine()}
    monkeypatch.setattr(toolchain, "select_engine", engines.pop)
    cli(["toolchain", "--engine", "podman", str(tmp_path / "image.json")], standalone_mode=False)
    assert not engines
    assert (tmp_path / "image.json").read_text() == "the image"


@pytest.mark.parametrize("words", [["make", "-k"], []], ids=["command", "shell"])
def test_a_shell_is_where_it_was_called_and_has_its_status(
    place: Path, container: FakeContainer, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("TERM", "vt100")
    container.status = 7
    assert typed("shell", *(["--", *words] if words else [])) == 7
    (command,) = container.commands
    assert command[:2] == ["/bin/sh", "-c"]
    assert command[3:] == ["sh", "inner", *(words or ["bash"])]
    assert container.environments == [{"TERM": "vt100"}]
    assert Path.cwd() == place / "inner"


def test_a_shell_without_a_terminal_has_none(
    place: Path, container: FakeContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TERM", raising=False)
    assert typed("shell", "true") == 0
    assert container.environments == [{}]


def test_a_shell_outside_a_checkout_is_refused(
    tmp_path: Path, container: FakeContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ColonnadeError, match="not in a checkout of Colonnade"):
        cli(["shell", "true"], standalone_mode=False)
    assert container.commands == []


def test_results_of_an_emulated_target_get_their_time(
    place: Path, container: FakeContainer, capfd: pytest.CaptureFixture[str]
) -> None:
    container.printed, container.status = f"a note\n{RESULT}", 3
    assert typed("bench-conv", "--conv", "n1") == 3
    note, line = capfd.readouterr().out.splitlines()
    assert note == "a note"
    # The X60 of config/targets has 1.6 GHz.
    assert json.loads(line) == {"conv": "c", "cycles": 3200000, "ms": 2.0}
    (command,) = container.commands
    assert command[-2:] == ["--conv", "n1"]
    assert not list((place / "results/build").glob(".bench-conv-*"))


def test_results_that_are_measured_are_passed_on_as_they_are(
    place: Path, container: FakeContainer, capfd: pytest.CaptureFixture[str]
) -> None:
    container.printed = RESULT
    assert typed("bench-conv", "--target", "host", "--conv", "n1") == 0
    assert capfd.readouterr().out == RESULT
    (command,) = container.commands
    assert command[0] == "results/build/host/colonnade-bench"


@pytest.mark.parametrize("joined", [False, True], ids=["two words", "one word"])
def test_files_of_shapes_are_seen_in_the_container(
    place: Path, container: FakeContainer, joined: bool
) -> None:
    (place / "inner/shapes.txt").write_text("n1c3\n")
    words = ["--shapes=shapes.txt"] if joined else ["--shapes", "shapes.txt"]
    assert typed("bench-conv", "--target", "host", *words, "--repetitions=2") == 0
    (command,) = container.commands
    assert container.shapes == ["n1c3\n"]
    assert command[-3] == "--shapes"
    assert command[-2].startswith("results/build/.bench-conv-")
    assert command[-1] == "--repetitions=2"


def test_a_file_of_shapes_that_is_missing_is_told(place: Path, container: FakeContainer) -> None:
    with pytest.raises(ColonnadeError, match=r"--shapes: gone\.txt: no such file"):
        cli(["bench-conv", "--shapes", "gone.txt"], standalone_mode=False)
    assert container.commands == []


def test_a_bench_that_is_not_built_is_told(place: Path, container: FakeContainer) -> None:
    (place / "results/build/riscv64/colonnade-bench").unlink()
    with pytest.raises(ColonnadeError, match="colonnade-bench: not built yet; `snakemake kernels_"):
        cli(["bench-conv", "--conv", "n1"], standalone_mode=False)
    assert container.commands == []


class Board:
    """A target with a board, which takes files along and prints what it measured."""

    config = type("Config", (), {"board": object()})

    def __init__(self) -> None:
        self.ran: list[tuple[str, list[str], list[str]]] = []

    def check_built(self, program: str) -> None:
        assert program == "colonnade-bench"

    def run(self, program: str, options: Sequence[str], **given: Any) -> str:
        assert given["timing"] is None
        self.ran.append((program, list(options), [path.read_text() for path in given["reads"]]))
        return RESULT


def test_a_board_gets_the_file_and_no_container_is_entered(
    place: Path,
    container: FakeContainer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = Board()
    monkeypatch.setattr(toolchain, "named_target", lambda name: {"there": board}[name])
    (place / "inner/shapes.txt").write_text("n1c3\n")
    cli(["bench-conv", "--target", "there", "--shapes=shapes.txt"], standalone_mode=False)
    ((program, options, read),) = board.ran
    assert (program, options[0], read) == ("colonnade-bench", "--shapes", ["n1c3\n"])
    assert capsys.readouterr().out == RESULT
    assert container.commands == []
