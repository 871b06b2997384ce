"""Top-1."""

from pathlib import Path

import click

from colonnade.cli.common import EMULATED, FILE, RESULTS, cli, container
from colonnade.stages import DENSE, TARGETS, Stages
from colonnade.targets import Target


@cli.command()
@click.argument("variant")
@click.argument("output", type=FILE)
def evaluate(variant: str, output: Path) -> None:
    """Top-1 of VARIANT in PyTorch and on emulated RISC-V."""
    from colonnade.config import load_target
    from colonnade.evaluate import evaluate_variant

    config = Stages.load().config
    evaluate_variant(
        Target(EMULATED, load_target(TARGETS, EMULATED), container()),
        config.data,
        config.training,
        config.accuracy,
        RESULTS / "train" / f"{variant}.safetensors",
        RESULTS / "packages" / variant,
        "colnm_dense" if variant == DENSE else "colnm_tuned",
        output,
    )


@cli.command("accuracy-table")
@click.argument("output", type=FILE)
def write_accuracy_table(output: Path) -> None:
    """Collect top-1 of every variant."""
    from colonnade.accuracy import accuracy_table

    stages = Stages.load()
    reports = [
        (
            RESULTS / "accuracy" / f"{variant}.json",
            {"method": stages.method(variant), **stages.pattern_columns(variant)},
        )
        for variant in stages.variants
    ]
    accuracy_table(stages.config.model.name, stages.config.data.name, reports, output)
