# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A page about one package, as `colonnade inspect --html` writes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from colonnade.common.files import write_text
from colonnade.report.figures import COLOURS, clear, legend_above, name_rows, svg
from colonnade.report.rendering import environment


def write_package_page(found: Mapping[str, Any], name: str, target: Path) -> None:
    """Write the page of a package, described as `colonnade inspect --json` prints it."""
    html = environment().get_template("package.html.j2")
    figure = macs_per_layer(found["layers"])
    write_text(target, html.render(found=found, name=name, figure=figure))


def macs_per_layer(layers: list[Mapping[str, Any]]) -> str:
    """Multiplications of each layer before and after pruning."""
    figure = Figure(figsize=(8.5, 0.27 * len(layers) + 1.2))
    axes, rows = figure.add_subplot(), range(len(layers))
    for key, label, colour in (("macs", "dense", "#d5dade"), ("macs_kept", "kept", COLOURS[1])):
        axes.barh(
            rows, [layer[key] / 1e6 for layer in layers], height=0.7, color=colour, label=label
        )
    name_rows(axes, [layer["name"] for layer in layers])
    axes.set_xlabel("million multiplications of an image")
    legend_above(axes, 2)
    clear(axes)
    return svg(figure, "Multiplications of each layer, dense and kept")
