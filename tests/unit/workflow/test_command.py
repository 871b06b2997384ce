# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

import os
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.cli import parse_config

from colonnade.common.errors import ColonnadeError
from colonnade.config.sources import parse_command_line
from colonnade.workflow.command import nest_config, use_writable_cache


def entries(arguments: list[str]) -> list[str]:
    return arguments[arguments.index("--config") + 1 :]


@pytest.mark.parametrize(
    "arguments",
    [
        ["full-run", "--config", "model.name=resnet50", "-n"],
        ["full-run", "-n", "-C", "model.name=resnet50", "seed=2"],
        ["full-run", "--config=model.name=resnet50", "--cores", "1"],
        ["-Cmodel.name=resnet50", "full-run"],
        ["full-run", "--config", "model={replace_fc: true}", "--cores", "1", "-C", "model.name=a"],
        ["full-run", "--config", "model={replace_fc: false}", "model.weights=", "model.name={}"],
    ],
)
def test_dotted_keys_mean_the_same_to_snakemake(arguments: list[str]) -> None:
    given = [each.removeprefix("--config=").removeprefix("-C") for each in arguments]
    given = [each for each in given if "=" in each]
    nested = nest_config(arguments)
    assert nested[-len(entries(nested)) - 1] == "--config"
    assert parse_command_line(entries(nested)) == parse_command_line(given)
    # As far as types go: Snakemake makes text of nested values.
    assert parse_config(entries(nested)).keys() == parse_command_line(given).keys()
    others = [
        each for each in arguments if not each.startswith(("--config", "-C")) and "=" not in each
    ]
    assert nested[: len(others)] == others


@pytest.mark.parametrize(
    "value", ["2024-01-02", "{2024-01-02: 1}", "\U0001f600", "2024-01-02 10:00:00"]
)
def test_values_beside_a_dotted_key_stay_what_they_are(value: str) -> None:
    given = [f"seed={value}", f"profile.trials={value}"]
    assert parse_command_line(entries(nest_config(["--config", *given]))) == parse_command_line(
        given
    )


def test_values_are_written_as_yaml_reads_them() -> None:
    nested = nest_config(["--config", "ab.b=null", "ab.c=[1, 2.5, x]", "ab.d='1, }'"])
    (entry,) = entries(nested)
    assert yaml.safe_load(entry.partition("=")[2]) == {"b": None, "c": [1, 2.5, "x"], "d": "1, }"}


@pytest.mark.parametrize(
    "arguments", [["full-run"], ["full-run", "--config", "seed=2", "data={name: digits}", "-n"], []]
)
def test_what_snakemake_reads_itself_stays(arguments: list[str]) -> None:
    assert nest_config(arguments) == arguments


def test_entries_without_a_value_are_refused_all_at_once() -> None:
    with pytest.raises(ColonnadeError) as caught:
        nest_config(["--config", "seed", "=1", "ab.c=2", "x=1", "full-run", "-n"])
    assert [line.split(";")[0] for line in str(caught.value).splitlines()] == [
        "--config: 'seed'",
        "--config: '=1'",
        "--config: 'x=1'",
        "--config: 'full-run'",
    ]


@pytest.mark.parametrize("home", [None, "", "/dev/null/none"])
def test_a_cache_that_can_be_written(home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    use_writable_cache()
    assert Path(os.environ["XDG_CACHE_HOME"]) == Path(sys.prefix) / "cache"


def test_a_home_that_can_be_written_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    use_writable_cache()
    assert "XDG_CACHE_HOME" not in os.environ
    assert (tmp_path / ".cache/snakemake").is_dir()
