# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Grids of configurations."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, cli, named_target
from colonnade.common.errors import ColonnadeError

_PASSED_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@cli.command(context_settings=_PASSED_ON)
@click.option(
    "--estimate", is_flag=True, help="Say what is left and how long it takes; run nothing."
)
@click.argument("grid", type=FILE)
@click.argument("options", nargs=-1)
def grid(estimate: bool, grid: Path, options: tuple[str, ...]) -> None:
    """Run all networks of the file GRID, such as config/paper.yaml, by Snakemake with OPTIONS.

    What is there already is not run again. The runs are collected in the file grid.csv of its results.
    """
    from colonnade.config.grid import read_grid
    from colonnade.workflow.grid import TABLE, plan_grid, run_grid, told, write_grid

    read = read_grid(grid)
    cells = plan_grid(read, str(grid))
    click.echo(told(cells))
    if estimate:
        return
    failed = run_grid(cells, options, click.echo)
    if not all(each.missing for each in cells):
        table = Path(read.results, TABLE)
        write_grid(cells, named_target(cells[0].plan.config.target), table)
        click.echo(f"{table}: {told(cells)}")
    if failed:
        raise ColonnadeError(
            f"{grid}: {len(failed)} of {len(cells)} failed: {', '.join(failed)}; the same command goes"
            " on"
        )
