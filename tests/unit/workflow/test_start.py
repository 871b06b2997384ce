# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which target is meant, and where configuration files are; integration/test_start.py starts runs."""

from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.workflow.start import unknown_target, with_keys


def test_the_closest_target_is_named() -> None:
    said = unknown_target("full_run", ["full-run", "pareto-front"], ["report"])
    assert said == (
        "full_run: no such target; did you mean 'full-run'? targets: full-run, pareto-front"
    )


def test_a_key_among_the_targets_is_told_where_it_belongs() -> None:
    said = unknown_target("seed=7", ["full-run"], ["report"])
    assert said == "seed=7: no such target; keys of the configuration stand behind --config"


def test_relative_files_are_taken_from_here_or_else_from_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, checkout = tmp_path / "here", tmp_path / "checkout"
    for folder, name in ((here, "both"), (checkout, "both"), (checkout, "one")):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("seed: 1")
    monkeypatch.chdir(here)
    files = [Path("both"), Path("one"), checkout / "both"]
    assert with_keys(files, checkout) == [Path("both"), checkout / "one", checkout / "both"]
    with pytest.raises(ColonnadeError, match=r"^none: cannot be read: No such file"):
        with_keys([Path("none")], checkout)
