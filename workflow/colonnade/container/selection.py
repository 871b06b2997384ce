# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which engine runs: the one that the configuration names, or the first that works here."""

from collections.abc import Callable
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.container.engine import Container, Engine
from colonnade.container.image import EngineName, Image


# Every command would wait for Docker's library, which few need.
def _inside() -> type[Engine]:
    from colonnade.container.inside import InsideEngine

    return InsideEngine


def _docker() -> type[Engine]:
    from colonnade.container.docker import DockerEngine

    return DockerEngine


def _podman() -> type[Engine]:
    from colonnade.container.podman import PodmanEngine

    return PodmanEngine


def _rootfs() -> type[Engine]:
    from colonnade.container.rootfs import RootfsEngine

    return RootfsEngine


# In the order in which `auto` tries them.
ENGINES: dict[EngineName, Callable[[], type[Engine]]] = {
    "inside": _inside,
    "docker": _docker,
    "podman": _podman,
    "rootfs": _rootfs,
}


def select_engine(
    config_engine: str, passed_over: Callable[[str], None] = lambda _: None
) -> Engine:
    """The engine for the value of `container.engine`: auto, or one of `ENGINES`.

    Args:
        config_engine: that value.
        passed_over: is told, by `auto`, of each engine that was tried before the one that works.

    Raises:
        ColonnadeError: the value is none of these, or no such engine works here; the message says
            why, and which packages would make it work.
    """
    if config_engine not in ("auto", *ENGINES):
        allowed = ", ".join(["auto", *ENGINES])
        raise ColonnadeError(f"container.engine: {config_engine!r}; allowed: {allowed}")
    found: Engine | None = None
    problems: list[str] = []
    for load in (load for name, load in ENGINES.items() if config_engine in ("auto", name)):
        kind = load()
        engine = kind()
        problem = engine.problem()
        if problem is None:
            if config_engine == "auto":
                problem = engine.drawback()
            found = engine if problem is None else found or engine
        if problem is None:
            break
        if kind.packages is not None:
            problems.append(f"{kind.name} (packages: {kind.packages}): {problem}")
        elif config_engine != "auto":
            problems.append(f"{kind.name}: {problem}")
    if found is None:
        raise ColonnadeError(
            f"container.engine: {config_engine}: no such container engine works here. "
            + ". ".join(problems)
        )
    for each in problems:
        passed_over(f"container.engine: auto takes {found.name}; {each}")
    return found


def open_image(record: Path, root: Path) -> Container:
    """Make commands runnable in the image that `record` describes, with `root` mounted.

    Raises:
        ColonnadeError: the record is unreadable, or its engine or image is not there any more.
    """
    image = Image.load(record)
    return ENGINES[image.engine]()().open(image.reference, image.digest, root)
