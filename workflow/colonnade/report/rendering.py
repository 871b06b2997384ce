# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Templates of the report's pages and sections."""

import json
import re
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from colonnade.common.paths import table_file
from colonnade.common.reference import REFERENCE

_HERE = Path(__file__).parent


def environment() -> jinja2.Environment:
    """Templates of the report; files by `table`; filters: `group` (thousands), `percent` (of a share),
    `plain` (a value as JSON, without quotes), `inline` (Markdown's code)."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["group"] = lambda value: f"{value:,}".replace(",", "\u202f")
    made.filters["plain"] = lambda value: json.dumps(value).replace('"', "")
    made.filters["inline"] = _inline
    made.globals["table"] = table_file
    made.globals["reference"] = REFERENCE
    made.filters["percent"] = lambda share: f"{100 * share:.0f}%"
    return made


def _inline(text: str) -> Markup:
    """Text with `code`, as HTML."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
