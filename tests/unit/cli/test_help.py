# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""`colonnade --help` lists what people type; tables and steps of the workflow are groups of their own."""

import inspect

import click
import pytest
from click.testing import CliRunner

from colonnade.cli import cli
from colonnade.cli.common import step, table
from colonnade.common.paths import table_file
from colonnade.results import tables

NAMES = {
    "baseline",
    "bench",
    "bench-conv",
    "board",
    "build",
    "completion",
    "config-reference",
    "fit-core",
    "grid",
    "inspect",
    "optimize",
    "regression",
    "release-image",
    "run",
    "sbom",
    "shell",
    "step",
    "table",
    "to-onnx",
    "to-torch",
    "toolchain",
    "verify",
    "validate",
}


def test_the_help_has_every_command_under_a_heading() -> None:
    told = CliRunner().invoke(cli, ["--help"])
    assert told.exit_code == 0
    lines = told.output.splitlines()
    found = {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "}
    assert found & NAMES == NAMES == set(cli.commands)
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == [
        "Options:",
        "By hand:",
        "Toolchain and programs:",
        "What the workflow runs:",
    ]


@pytest.mark.parametrize("name", table.commands)
def test_a_table_is_one_of_the_contract(name: str) -> None:
    assert isinstance(getattr(tables, name.upper()), dict)
    output = next(p for p in table.commands[name].params if p.name == "output")
    assert isinstance(output, click.Argument)
    assert table_file(name) == f"tables/{name}.csv"


@pytest.mark.parametrize("group", [cli, table, step], ids=lambda group: group.name)
def test_every_command_says_what_it_does(group: click.Group) -> None:
    assert len(group.commands) > 5
    for name, command in group.commands.items():
        assert command.callback is not None
        assert inspect.getdoc(command.callback), name
        assert CliRunner().invoke(group, [name, "--help"]).exit_code == 0
