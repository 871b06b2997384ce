# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Fixtures that the tests of every part share, and how tests are spread over processes.

A worker of pytest-xdist runs all tests of a group: those of a file, or those with a mark `xdist_group`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from colonnade.container import Container, open_image, select_engine

ROOT = Path(__file__).resolve().parents[1]
# Groups that take minutes, longest first: files that take seconds fill what is left.
LONG_GROUPS = ("finished", "fresh", "docker", "fuzz", "timing", "xnnpack", "sanitizers")
Once = Callable[[str, Callable[[], object]], None]


def group(item: pytest.Item) -> str:
    """Tests of a group run in one process, in their order."""
    mark = item.get_closest_marker("xdist_group")
    if mark is None:
        return item.path.relative_to(ROOT).as_posix()
    name = str(mark.args[0])
    if name not in LONG_GROUPS:
        raise pytest.UsageError(f"{item.nodeid}: xdist_group {name!r}; allowed: {LONG_GROUPS}")
    return name


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every test its group, and let the long ones begin."""
    if config.getoption("dist", "no") != "loadgroup":
        return
    groups = {item: group(item) for item in items}
    for item, name in groups.items():
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(name))
    order = {name: place for place, name in enumerate(LONG_GROUPS)}
    items.sort(key=lambda item: order.get(groups[item], len(order)))


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Do something by name that one worker does for all: the others wait for it."""
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        folder = folder.parent

    def do(name: str, work: Callable[[], object]) -> None:
        with FileLock(folder / f"{name}.lock"):
            done = folder / f"{name}.done"
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
