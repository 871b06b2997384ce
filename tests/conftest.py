# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Fixtures that the tests of every part share, how tests are spread over processes, and their tables.

`pytest -n auto` runs the tests of a group one after the other, and groups side by side. A file is a
group, but for those named here. What a test found out and a reader wants to see it hands to `record_row`;
the rows stand at the end of what pytest prints, a table for each title.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from threadpoolctl import threadpool_limits
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

from colonnade.container import Container, open_image, select_engine

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = "tests/integration/workflow"
# Groups of minutes, longest first: what takes seconds fills the rest. Tests are in one process for what
# they leave in a folder: the checkout after a full run, one without, programs for the timing model.
GROUPS = {
    # Last of all those that make much of it anew.
    "finished": tuple(f"{WORKFLOW}/test_{each}" for each in ("inputs", "refusals")),
    # By then another process has done the full run that the next ones go on from.
    "fresh": (f"{WORKFLOW}/test_host", f"{WORKFLOW}/test_places"),
    # What is tested of a target's results is made once for those who type it.
    "documented": tuple(
        f"{WORKFLOW}/test_{each}" for each in ("results", "readme", "board", "rules")
    ),
    "docker": ("tests/integration/test_engines",),
    "sanitized": ("tests/integration/test_fuzz", "tests/integration/test_sanitizers"),
    "timing": ("tests/timing",),
    "xnnpack": ("tests/integration/test_xnnpack",),
}
Once = Callable[[str, Callable[[], object]], None]
RecordRow = Callable[[str, str], None]
_ROW = "row"


def group(nodeid: str) -> str:
    """Which tests a test runs with in one process."""
    named = (name for name, ids in GROUPS.items() if nodeid.startswith(ids))
    return next(named, nodeid.partition("::")[0])


class _Groups(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Spread groups in their order."""
    config.option.loadscopereorder = False
    return _Groups(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the long groups begin, and the files of a group follow each other as they are named."""
    if hasattr(config, "workerinput"):
        named = list(itertools.chain.from_iterable(GROUPS.values()))
        items.sort(key=lambda item: [not item.nodeid.startswith(each) for each in named])


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks and matrices: threads would only wait for each other, as tests run side by side."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def record_row(record_property: Callable[[str, object], None]) -> RecordRow:
    """Hand over a table's title and a row of it; any worker's rows are printed."""
    return lambda title, row: record_property(_ROW, (title, row))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables, rows in the order in which tests ended."""
    tables: dict[str, list[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for key, value in report.user_properties:
                if key == _ROW:
                    tables.setdefault(value[0], []).append(value[1])
    for title, rows in tables.items():
        terminalreporter.section(title)
        for row in rows:
            terminalreporter.line(row)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of a run see."""
    folder = tmp_path_factory.getbasetemp()
    return folder if worker_id == "master" else folder.parent


@pytest.fixture(scope="session")
def once(shared: Path) -> Once:
    """Do something by name that one worker does for all: the others wait for it."""

    def do(name: str, work: Callable[[], object]) -> None:
        with FileLock(shared / f"{name}.lock"):
            done = shared / f"{name}.done"
            if not done.exists():
                work()
                done.touch()

    return do


@pytest.fixture(scope="session")
def toolchain(once: Once) -> Container:
    """The toolchain container, built first where it does not exist yet."""
    image_file = ROOT / "results" / "toolchain" / "image.json"

    def build() -> None:
        if not image_file.exists():
            select_engine("auto").build(ROOT).save(image_file)

    once("toolchain", build)
    return open_image(image_file, ROOT)
