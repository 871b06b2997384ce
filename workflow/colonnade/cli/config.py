# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The reference of configuration keys."""

import click

from colonnade.cli.common import cli


@cli.command("config-reference")
def config_reference() -> None:
    """Write docs/configuration.md and config/schema.json from the models that check a configuration."""
    from colonnade.common.files import write_text
    from colonnade.config.reference import DOCUMENT, SCHEMA, reference, schema

    for path, text in ((DOCUMENT, reference()), (SCHEMA, schema())):
        write_text(path, text)
        click.echo(str(path))
