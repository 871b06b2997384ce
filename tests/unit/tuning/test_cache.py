# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The profile cache survives damage and simultaneous writers, and never answers with a stale result."""

import contextlib
import dataclasses
import json
import multiprocessing
import sqlite3
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.targets.target import Target
from colonnade.tuning.bench import DENSE, Bench, Profiled
from colonnade.tuning.cache import _RESULTS, ProfileCache, Setting
from colonnade.tuning.space import Candidate

from .conftest import CONV, FakeContainer

SETTING = Setting(CONV, "f32", 144, 576, 1, 1, 7, "fingerprint")
CANDIDATE = Candidate("packed", 14, 2, 8)
RESULT = {"cycles": 123456789, "ms": None, "counters": {"l1_misses": 5}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state/profile.sqlite"


@pytest.fixture
def cache(path: Path) -> ProfileCache:
    cache = ProfileCache(path)
    cache.add(SETTING, {CANDIDATE: RESULT})
    return cache


def test_results_come_back_from_another_process_as_they_were(
    cache: ProfileCache, path: Path
) -> None:
    assert ProfileCache(path).find(SETTING, [CANDIDATE]) == {CANDIDATE: RESULT}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("conv", "n1c64h56w56-o64-k3x3-s1-p0-d1"),
        ("dtype", "f16"),
        ("n", 145),
        ("m", 288),
        ("threads", 2),
        ("repetitions", 3),
        ("seed", 8),
        ("target", "another"),
    ],
)
def test_everything_that_decides_a_result_is_part_of_its_key(
    cache: ProfileCache, key: str, value: Any
) -> None:
    other = dataclasses.replace(SETTING, **{key: value})
    assert cache.find(other, [CANDIDATE]) == {}


@pytest.mark.parametrize(
    ("key", "value"), [("algorithm", "direct"), ("tile", 13), ("lmul", 1), ("panels", 4)]
)
def test_so_is_every_part_of_the_candidate(cache: ProfileCache, key: str, value: Any) -> None:
    assert cache.find(SETTING, [dataclasses.replace(CANDIDATE, **{key: value})]) == {}


def damage(path: Path, kind: str) -> None:
    content = bytearray(path.read_bytes())
    if kind == "truncated":
        content = content[: len(content) // 2]
    elif kind == "not a database":
        content[:] = b"these are no results\n" * 500
    elif kind == "tables of another program":
        path.unlink()
        with contextlib.closing(sqlite3.connect(path)) as other, other:
            other.execute(f"CREATE TABLE {_RESULTS.name} (a, b)")
        return
    elif kind == "a page of zeros":
        content[4096:8192] = bytes(4096)
    else:
        # Within the stored report, where no structure of the file is hurt.
        content[content.index(b"123456789")] = ord("9")
    path.write_bytes(content)


@pytest.mark.parametrize(
    "kind",
    ["truncated", "not a database", "a page of zeros", "a digit", "tables of another program"],
)
def test_damaged_file_is_set_aside_and_begun_anew(
    cache: ProfileCache, path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(path, kind)
    damaged = path.read_bytes()
    again = ProfileCache(path)
    assert again.find(SETTING, [CANDIDATE]) == {}
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert message.startswith(f"{path}: damaged (")
    assert str(path.with_name("profile.sqlite.damaged")) in message
    assert path.with_name("profile.sqlite.damaged").read_bytes() == damaged
    again.add(SETTING, {CANDIDATE: RESULT})
    assert ProfileCache(path).find(SETTING, [CANDIDATE]) == {CANDIDATE: RESULT}


def test_damage_during_use_is_survived_too(
    cache: ProfileCache, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(path, "not a database")
    cache.add(SETTING, {CANDIDATE: RESULT})
    assert "set aside" in capsys.readouterr().err
    assert cache.find(SETTING, [CANDIDATE]) == {CANDIDATE: RESULT}


def test_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "profile.sqlite"
    folder.mkdir()
    with pytest.raises(ColonnadeError, match=r"profile\.sqlite \(profile\.cache\): cannot be used"):
        ProfileCache(folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(ColonnadeError, match=r"profile\.cache"):
        ProfileCache(tmp_path / "file/profile.sqlite")


def test_a_file_that_others_hold_is_named(
    cache: ProfileCache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path: connect(path, timeout=0))
    with contextlib.closing(connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ColonnadeError, match=r"cannot be used: database is locked"):
            cache.find(SETTING, [CANDIDATE])
    assert cache.find(SETTING, [CANDIDATE]) == {CANDIDATE: RESULT}


PROCESSES = 3
ROWS = 40
FILES = 60
PATIENCE_S = 60


def row(process: int, panels: int) -> tuple[Setting, Candidate, dict[str, int]]:
    setting = dataclasses.replace(SETTING, target=f"process {process}")
    return setting, Candidate("packed", 8, 1, panels), {"cycles": 1000 * process + panels}


def write_rows(path: Path, process: int, start: Barrier) -> None:
    start.wait(PATIENCE_S)
    cache = ProfileCache(path)
    for panels in range(1, ROWS + 1):
        setting, candidate, result = row(process, panels)
        cache.add(setting, {candidate: result})
        assert cache.find(setting, [candidate]) == {candidate: result}


def write_at_once(path: Path, write: Callable[[Path, int, Barrier], None] = write_rows) -> None:
    """Let processes write into one file, all from its beginning."""
    context = multiprocessing.get_context("fork")
    start = context.Barrier(PROCESSES)
    writers = [
        context.Process(target=write, args=(path, number, start)) for number in range(PROCESSES)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=PATIENCE_S)
    assert [writer.exitcode for writer in writers] == [0] * PROCESSES


def assert_complete(path: Path) -> None:
    cache = ProfileCache(path)
    for process in range(PROCESSES):
        for panels in range(1, ROWS + 1):
            setting, candidate, result = row(process, panels)
            assert cache.find(setting, [candidate]) == {candidate: result}


def test_processes_that_write_at_once_lose_nothing(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_at_once(path)
    assert capfd.readouterr().err == ""
    assert_complete(path)


def begin_files(folder: Path, process: int, start: Barrier) -> None:
    for number in range(FILES):
        setting, candidate, result = row(process, number)
        start.wait(PATIENCE_S)
        ProfileCache(folder / f"{number}.sqlite").add(setting, {candidate: result})


def test_processes_that_begin_a_file_at_once_lose_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_at_once(tmp_path, begin_files)
    assert capfd.readouterr().err == ""
    for number in range(FILES):
        cache = ProfileCache(tmp_path / f"{number}.sqlite")
        for process in range(PROCESSES):
            setting, candidate, result = row(process, number)
            assert cache.find(setting, [candidate]) == {candidate: result}


def test_processes_that_find_damage_at_once_set_the_file_aside_once(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path.parent.mkdir()
    path.write_text("no database\n" * 400)
    write_at_once(path)
    assert capfd.readouterr().err.count("set aside") == 1
    assert path.with_name("profile.sqlite.damaged").read_text() == "no database\n" * 400
    assert_complete(path)


def bench(target: Target, settings: ProfileConfig, timed: ThroughputConfig) -> Bench:
    return Bench(target, ConvShape.parse(CONV), settings, timed, Path("results/scratch.timing"))


def test_changed_kernels_invalidate_their_rows(
    target: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    profiled, candidates = (
        Profiled(Pattern(m="full", sparsity=0.5)),
        [CANDIDATE, Candidate("packed", 8, 1, 1)],
    )

    def starts() -> int:
        before = len(container.commands)
        bench(target, settings, timed).run(profiled, candidates)
        return len(container.commands) - before

    assert starts() == 1
    assert starts() == 0
    program = Path("results/build/riscv64/colonnade-bench")
    old = program.read_text()
    program.write_text("new kernels")
    assert starts() == 1
    # The old build finds its results again.
    program.write_text(old)
    assert starts() == 0
    for part in ("results/build/timing/libcolonnade-timing.so", "kernels/timing/cores/x60.json"):
        Path(part).write_text(Path(part).read_text() + " ")
        assert starts() == 1


def test_unbuilt_program_is_named(
    target: Target, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    Path("results/build/riscv64/colonnade-bench").unlink()
    with pytest.raises(
        ColonnadeError, match="results/build/riscv64/colonnade-bench: cannot be read"
    ):
        bench(target, settings, timed)


def test_only_unknown_candidates_are_run(
    target: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    other = Candidate("packed", 8, 1, 1)
    bench(target, settings, timed).run(DENSE, [CANDIDATE])
    reports = bench(target, settings, timed).run(DENSE, [other, CANDIDATE])
    assert container.candidates == ["packed:14:2:8:1", "packed:8:1:1:1"]
    assert [report["tile"] for report in reports] == [8, 14]
    # A result is stored without what the target's clock makes of it.
    assert "625" not in json.dumps(ProfileCache(settings.cache).find(SETTING, [CANDIDATE]))
