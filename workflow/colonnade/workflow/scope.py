# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What all results of one folder share, so that two targets or models do not replace each other's.

The first run that writes results into a folder leaves its scope there, in `scope.json`; a run of
another scope is refused. A pattern, a recipe or a seed is no part of it: its change makes the results
of the folder anew.
"""

from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json
from colonnade.common.paths import Results
from colonnade.config.schema import Config


def scope_of(config: Config) -> dict[str, Any]:
    """What a configuration's results share, by configuration key."""
    data = config.data.model_dump(mode="json")
    return {
        "target": config.target,
        "model.name": config.model.name,
        **{f"data.{key}": data[key] for key in ("name", "path") if key in data},
        "throughput.image_px": config.throughput.image_px,
        "throughput.batch": config.throughput.batch,
    }


def check_scope(config: Config) -> None:
    """Refuse a results folder that holds those of another scope.

    Raises:
        ColonnadeError: every difference is named, with the key that gives results a folder.
    """
    file = Path(Results(config.results).scope)
    if not file.exists():
        return
    theirs, ours = read_json(file), scope_of(config)
    if not isinstance(theirs, dict):
        raise ColonnadeError(f"{file}: damaged; delete it if {config.results} holds nothing of use")
    different = [
        f"{key} {theirs.get(key)}, not {ours.get(key)}"
        for key in dict.fromkeys([*ours, *theirs])
        if theirs.get(key) != ours.get(key)
    ]
    if different:
        raise ColonnadeError(
            f"results: {config.results} holds results of {'; '.join(different)}. Give these a folder"
            f" of their own, such as --config results=results/{config.target}-{config.model.name}"
        )
