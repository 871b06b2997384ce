# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which engine runs: the one that the configuration names, or the first that works here."""

from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.container.docker import DockerEngine
from colonnade.container.engine import Container, Engine
from colonnade.container.image import Image
from colonnade.container.podman import PodmanEngine
from colonnade.container.rootfs import RootfsEngine

# In the order in which `auto` tries them.
_ENGINES: dict[str, type[Engine]] = {
    kind.name: kind for kind in (DockerEngine, PodmanEngine, RootfsEngine)
}


def select_engine(config_engine: str) -> Engine:
    """The engine for the value of `container.engine`: auto, docker, podman or rootfs.

    Raises:
        ColonnadeError: the value is none of these, or no such engine works here; the message says
            why, and which packages would make it work.
    """
    if config_engine not in ("auto", *_ENGINES):
        allowed = ", ".join(["auto", *_ENGINES])
        raise ColonnadeError(f"container.engine: {config_engine!r}; allowed: {allowed}")
    kinds = list(_ENGINES.values()) if config_engine == "auto" else [_ENGINES[config_engine]]
    problems = []
    for kind in kinds:
        engine = kind()
        problem = engine.problem()
        if problem is None:
            return engine
        problems.append(f"{kind.name}: {problem}; needs the packages {kind.packages}")
    raise ColonnadeError(
        f"container.engine: {config_engine}: no such container engine works here. "
        + ". ".join(problems)
    )


def open_image(record: Path, root: Path) -> Container:
    """Make commands runnable in the image that `record` describes, with `root` mounted.

    Raises:
        ColonnadeError: the record is unreadable, or its engine or image is not there any more.
    """
    image = Image.load(record)
    return _ENGINES[image.engine]().open(image.reference, image.digest, root)
