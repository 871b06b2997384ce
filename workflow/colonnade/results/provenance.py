# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where the numbers of a run come from: code, image, compilers, packages, CPU, seeds, configuration."""

import importlib.metadata
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_json
from colonnade.config.errors import explain
from colonnade.config.schema import Config
from colonnade.config.sources import merge, read_yaml
from colonnade.results.records import Change, ImageFacts

# `git archive` writes the commit into it: .gitattributes.
_ARCHIVED = Path(__file__).with_name("commit.txt")


def _git(*arguments: str) -> str:
    # Whose code runs here may also be asked for its commit, be it another user's checkout.
    command = ("git", "-c", "safe.directory=*", *arguments)
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ColonnadeError(f"git: {error.strerror}") from error
    if result.returncode != 0:
        raise ColonnadeError(result.stderr.strip())
    return result.stdout.strip()


def revision() -> dict[str, Any]:
    """Commit of the checkout that this is, and whether it was changed; or why that is not known.

    Sources that came as an archive of a commit know it; what was changed since is not known.
    """
    try:
        _check_top(Path.cwd(), Path(_git("rev-parse", "--show-toplevel")))
        commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    except ColonnadeError as error:
        archived = _ARCHIVED.read_text(encoding="utf-8").strip()
        known = None if archived.startswith("$") else archived
        return {"git_commit": known, "dirty": None, "git_problem": str(error)}
    return {"git_commit": commit, "dirty": bool(changes), "git_problem": None}


def _check_top(checkout: Path, top: Path) -> None:
    if top.resolve() != checkout:
        raise ColonnadeError(f"not a git checkout, but a folder in that of {top}")


def cpu_model() -> str:
    """What this machine's CPU calls itself."""
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def changes(config: Config, default: Path) -> list[Change]:
    """The keys of a configuration that are not as in the file `default`, sections key by key.

    Raises:
        ColonnadeError: the file is missing or no configuration by itself.
    """
    content = merge(Config, [read_yaml(default)])
    try:
        # Without a look whether its files are there: they need not be here.
        plain = Config.model_validate(content)
    except ValidationError as error:
        lines = explain(error, Config, content, [(str(default), content)])
        raise ColonnadeError("\n".join(lines)) from error
    ours, theirs = (dict(_leaves(each.resolved())) for each in (config, plain))
    return [
        {"key": ".".join(key), "value": ours.get(key), "default": theirs.get(key)}
        for key in dict.fromkeys([*ours, *theirs])
        if key not in ours or key not in theirs or ours[key] != theirs[key]
    ]


def _leaves(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from (((key, *inner), each) for inner, each in _leaves(value))
        else:
            yield (key,), value


def write_provenance(config: Config, default: Path, image_file: Path, target: Path) -> None:
    """Write `provenance.json`. Where `git_commit` is null or `dirty` is, `git_problem` says why.

    Args:
        config: the configuration, as it was resolved.
        default: the file of the default configuration, of which the differences are told.
        image_file: the toolchain image's record.
        target: the file to write.

    Raises:
        ColonnadeError: one of the files is missing or damaged.
    """
    image = read_json(image_file, ImageFacts)
    packages = sorted(
        (str(dist.metadata["Name"]), dist.version) for dist in importlib.metadata.distributions()
    )
    write_json(
        target,
        {
            **revision(),
            "image": {key: image[key] for key in ("engine", "reference", "digest")},
            "qemu": image["qemu"],
            "compilers": image["compilers"],
            "image_packages": image["packages"],
            "python": platform.python_version(),
            "python_packages": dict(packages),
            "cpu": cpu_model(),
            "seeds": {
                "run": config.seed,
                "profile": config.profile.seed,
                "split": config.data.split_seed,
            },
            "config_sha256": config.digest(),
            "config_changes": changes(config, default),
            "config": config.resolved(),
        },
    )
