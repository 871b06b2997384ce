# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What people take away: checkpoints for other tools, and the reference of configuration keys."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, cli


@cli.command("to-torch")
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=FILE)
@click.option("--table", type=FILE, help="CSV of what was pruned, a row for each convolution.")
def to_torch(checkpoint: Path, output: Path, table: Path | None) -> None:
    """Write CHECKPOINT as a plain state dict, OUTPUT (.pth or .safetensors), with torchvision's names."""
    from colonnade.common.files import check_distinct
    from colonnade.package.to_torch import pruned_layers, write_pruned, write_state_dict

    if table is not None:
        check_distinct(table, checkpoint, output)
    source = write_state_dict(checkpoint, output)
    rows = pruned_layers(source)
    if table is not None:
        write_pruned(source, table)
    for row in rows:
        click.echo(
            f"{row['layer']}: {row['pattern']}, tile {row['tile']}: {row['columns_kept']:g} of"
            f" {row['columns']} columns, {row['weights_kept']} of {row['weights']} weights"
        )
    kept, weights = (sum(row[key] for row in rows) for key in ("weights_kept", "weights"))
    what = f"{len(rows)} pruned convolutions keep {kept} of {weights} weights" if rows else "dense"
    click.echo(f"{output}: {source.info.model}, {source.info.num_classes} classes; {what}")


@cli.command("to-onnx")
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=FILE)
def to_onnx(checkpoint: Path, output: Path) -> None:
    """Write CHECKPOINT as an ONNX file, OUTPUT (.onnx), pruned weights as zeros."""
    from colonnade.package.to_onnx import write_onnx

    write_onnx(checkpoint, output)
    click.echo(str(output))


@cli.command("config-reference")
def config_reference() -> None:
    """Write docs/configuration.md and config/schema.json, and the claims of ARTIFACT.md.

    The first two are of the models that check a configuration, the claims of config/claims.yaml; beside
    them stand values of results/baseline, where there are any.
    """
    from colonnade.common.files import write_text
    from colonnade.common.paths import BASELINE, CLAIMS
    from colonnade.config.reference import DOCUMENT, SCHEMA, reference, schema
    from colonnade.results import artifact
    from colonnade.results.claims import read_definitions, recorded_values
    from colonnade.results.tables import THROUGHPUT, read_table

    defined = read_definitions(CLAIMS)
    recorded = (
        recorded_values(defined, read_table(BASELINE, THROUGHPUT)) if BASELINE.exists() else {}
    )
    claims = artifact.with_claims(artifact.DOCUMENT, defined, recorded)
    written = ((DOCUMENT, reference()), (SCHEMA, schema()), (artifact.DOCUMENT, claims))
    for path, text in written:
        write_text(path, text)
        click.echo(str(path))
