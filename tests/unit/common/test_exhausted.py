# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Full disks, little memory and few handles: one line that names the file, and nothing half-written."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import polars as pl
import pytest
import torch
from torch import Tensor

from colonnade.cli import cli, main
from colonnade.common.errors import ColonnadeError, explained
from colonnade.common.files import write_bytes, write_json, write_text
from colonnade.config.data import TexturesConfig
from colonnade.config.pruning import OneShot
from colonnade.config.training import AdamWConfig, PhaseConfig
from colonnade.data import dataset, textures
from colonnade.data.dataset import Example, Split, training_batches
from colonnade.evaluation.throughput import write_random_images
from colonnade.pruning.schedule import Sparsifier
from colonnade.results.tables import write_table
from colonnade.training.hardware import Hardware
from colonnade.training.loop import Phase, run_phase
from colonnade.tuning.cache import CacheFile, Table

LIMIT_BYTES = 4096
WIDE = 2 * LIMIT_BYTES


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond some KB: writers meet the same error as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Noise(Split):
    """Twelve random images of 16 px."""

    def __init__(self, workers: int = 0) -> None:
        self.labels = torch.arange(12) % 3
        self.workers = workers

    def image(self, example: Example) -> Tensor:
        generator = torch.Generator().manual_seed(example.index)
        return torch.randn(3, 16, 16, generator=generator)


def train(folder: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 3))
    data: Any = SimpleNamespace(train=Noise(), validation=Noise())
    run_phase(
        Phase(
            title="noise",
            model=network,
            data=data,
            config=PhaseConfig(epochs=1, batch_size=6, optimizer=AdamWConfig(lr=1e-3)),
            seed=1,
            hardware=Hardware(),
            fingerprint="0",
            resume=folder / "file",
            metrics=folder / "metrics.csv",
            sparsifier=Sparsifier(network, {}, OneShot(), lambda _: {}),  # type: ignore[arg-type]
        )
    )


def fill_cache(folder: Path) -> None:
    table = Table("result", ("name",))
    CacheFile(folder / "file").add(table, {("name",): "x" * WIDE})


def make_textures(folder: Path) -> None:
    config = TexturesConfig(
        name="textures", classes=2, train_per_class=2, test_per_class=1, cache=folder
    )
    textures.generate(config, folder / "file", 1)


WRITERS: dict[str, Callable[[Path], None]] = {
    "bytes": lambda folder: write_bytes(folder / "file", b"x" * WIDE),
    "text": lambda folder: write_text(folder / "file", "x" * WIDE),
    "JSON": lambda folder: write_json(folder / "file", list(range(WIDE))),
    "table": lambda folder: write_table(
        folder / "file", {"n": pl.Int64}, [{"n": n} for n in range(WIDE)]
    ),
    "images": lambda folder: write_random_images(folder / "file", 1, 64, 1),
    "training state": train,
    "profile cache": fill_cache,
    "textures": make_textures,
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_one_error_that_names_the_file(tmp_path: Path, writer: str) -> None:
    textures_px, textures.FILE_PX = textures.FILE_PX, 256  # an image of some KB more
    try:
        with full_disk(), pytest.raises(ColonnadeError, match=r"/file\b.*cannot be ") as caught:
            WRITERS[writer](tmp_path)
    finally:
        textures.FILE_PX = textures_px
    assert "\n" not in str(caught.value)
    # What was written before is whole.
    left = {path.name for path in tmp_path.iterdir()} - {".file.lock", "metrics.csv"}
    # SQLite's own file is empty then.
    assert left <= ({"file"} if writer == "profile cache" else set())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device", "results/x"), "results/x: No space left on device"),
        (OSError(122, "Disk quota exceeded", "results/x"), "results/x: Disk quota exceeded"),
        (OSError(30, "Read-only file system"), "Read-only file system"),
        (OSError(24, "Too many open files"), "Too many open files"),
        (MemoryError(), "out of memory"),
        (BrokenProcessPool("died"), "a worker process was killed"),
        (
            RuntimeError(
                "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that"
                " dataloader's workers are out of shared memory."
            ),
            "not enough shared memory (/dev/shm)",
        ),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "out of memory"),
        (RuntimeError("unable to open shared memory object: Too many open files (24)"), "memory"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_exhausted_resources_are_told_in_one_line(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told in (explained(error) or "")

    @click.command()
    def fails() -> None:
        raise error

    monkeypatch.setitem(cli.commands, "fails", fails)
    monkeypatch.setattr(sys, "argv", ["colonnade", "fails"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1


@pytest.mark.parametrize("error", [KeyError("a"), TypeError("b"), RuntimeError("c"), OSError("d")])
def test_mistakes_of_the_program_keep_their_traceback(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert explained(error) is None

    @click.command()
    def fails() -> None:
        raise error

    monkeypatch.setitem(cli.commands, "fails", fails)
    monkeypatch.setattr(sys, "argv", ["colonnade", "fails"])
    with pytest.raises(type(error)):
        main()


def test_memory_that_torch_does_not_get_is_told() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    assert explained(caught.value) == "out of memory"


def _batches(workers: int) -> list[tuple[Tensor, Tensor]]:
    return list(training_batches(Noise(workers), 5, 1, 0))


def test_batches_that_shared_memory_does_not_hold_go_through_a_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = _batches(0)
    passed: list[int] = []

    def usage(_: str) -> Any:
        passed.append(1)
        return SimpleNamespace(free=1000)

    monkeypatch.setattr(dataset.shutil, "disk_usage", usage)
    monkeypatch.setattr(dataset, "_SHARED_MEMORY", "/nowhere")
    found = _batches(2)
    assert passed
    assert len(found) == len(expected) == 3
    for ours, theirs in zip(found, expected, strict=True):
        assert all(
            torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(ours, theirs, strict=True)
        )


IN_LITTLE = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.unit.common import test_exhausted
import torch
test_exhausted.Noise.image = lambda self, example: torch.ones(3, 224, 224)
print(len(test_exhausted._batches(2)))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
def test_a_megabyte_of_shared_memory_is_enough_for_workers() -> None:
    script = 'mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$@"'
    enclosed = ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", IN_LITTLE]
    run = subprocess.run(
        [*enclosed, str(Path(__file__).parents[3])], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (0, "3\n"), run.stderr[-2000:]


@pytest.mark.parametrize("name", ["colonnade.report", "colonnade.training.stages"])
def test_a_home_that_cannot_be_written_is_no_obstacle(name: str) -> None:
    environment = {**os.environ, "HOME": "/proc/nowhere"}
    environment.pop("XDG_CACHE_HOME", None)
    code = f"import {name}"
    if name == "colonnade.report":
        code += "; import matplotlib.pyplot as p; p.figure().savefig('/dev/null', format='svg')"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
