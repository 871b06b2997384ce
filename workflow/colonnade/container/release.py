# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Builds the release image: the toolchain image with the workflow in it, ready to run."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.container.progress import BuildLog
from colonnade.container.recipe import STATE_FOLDER, pinned_value
from colonnade.container.sdk import SdkEngine

_FOLDER = Path("containers/release")
_COPIED = ("Dockerfile", "versions.env", "system.sh", "workflow.sh")


def labels(version: str, commit: str) -> dict[str, str]:
    """What the image says of itself, under the names of the Open Container Initiative."""
    return {
        "org.opencontainers.image.title": "Colonnade",
        "org.opencontainers.image.description": "Column-wise N:M pruned convolutions for RISC-V vector"
        " CPUs: the workflow, its Python environment, compilers and emulator",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.revision": commit,
        "org.opencontainers.image.licenses": "BSD-3-Clause",
        "org.opencontainers.image.url": "https://arxiv.org/abs/2507.17301",
    }


def build_release(engine: SdkEngine, root: Path, tag: str, version: str, commit: str) -> str:
    """Build the release image of a commit, and the toolchain image if it is not there.

    Python packages are fetched on this machine, with its settings of pip, for the image's Python.

    Args:
        engine: builds it.
        root: the checkout.
        tag: the image's name, as `NAME:VERSION`.
        version: the project's.
        commit: what the image has the files of.

    Returns:
        Digest of the image.

    Raises:
        ColonnadeError: packages could not be fetched, or the build failed.
    """
    toolchain = engine.build(root)
    with (
        BuildLog(f"release image ({engine.name})", root / STATE_FOLDER / "logs/release.log") as log,
        tempfile.TemporaryDirectory(dir=root / STATE_FOLDER) as folder,
    ):
        context = Path(folder)
        for name in _COPIED:
            (context / name).write_bytes((root / _FOLDER / name).read_bytes())
        toolchain.save(context / "image.json")
        log.step("packing the sources")
        archive = str(context / "source.tar")
        _run(["git", "-C", str(root), "archive", "--format=tar", f"--output={archive}", commit])
        log.step("fetching Python packages")
        _fetch_packages(root, context / "wheels")
        return engine.build_release(context, tag, labels(version, commit), toolchain.reference, log)


def _fetch_packages(root: Path, folder: Path) -> None:
    """Put what `make env` installs into a folder; PyTorch without CUDA where the index has it."""
    python = python_version(root)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    command += ["--no-deps", "--require-hashes", "--python-version", python, "--dest", str(folder)]
    needed = [root / "requirements.txt"]
    if subprocess.run(
        [*command, "-r", str(root / "requirements-cpu.txt")], capture_output=True, check=False
    ).returncode:
        needed.append(root / "requirements-cuda.txt")
    else:
        # Half a gigabyte that would not be installed.
        needed = [folder / "without-torch.txt"]
        blocks = re.split(r"\n(?=\S)", (root / "requirements.txt").read_text(encoding="utf-8"))
        others = [block for block in blocks if not block.startswith("torch==")]
        needed[0].write_text("\n".join(others), encoding="utf-8")
    for path in needed:
        _run([*command, "-r", str(path)])


def python_version(root: Path) -> str:
    """The image's Python, as `3.11`, from `containers/release/versions.env`.

    Raises:
        ColonnadeError: the file does not say.
    """
    return pinned_value(root / _FOLDER / "versions.env", "PYTHON", r"3\.\d+", "3.11")


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        said = result.stderr.strip()[-2000:]
        raise ColonnadeError(
            f"{' '.join(command[:4])} ...: exit status {result.returncode}\n{said}"
        )
