# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What commands about packages print for people: lines of what `--json` prints as an object."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from colonnade.common.datatypes import overflow_hint
from colonnade.models.shapes import shown_px


def agreement_lines(told: Mapping[str, Any], package: str) -> Iterator[str]:
    """What a comparison with PyTorch found, as `validate --json` prints it."""
    for row in told["outputs"]:
        top1 = "" if row["top1"] is None else f", same first place in {row['top1']:.0%}"
        off = f"off by {row['relative']:.2g} of the largest number"
        if not isfinite(row["relative"]):
            off = f"holds numbers that are not finite{overflow_hint(told['dtype'])}"
        yield f"{row['input']}: {row['output']}: {off}{top1}"
    verdict = "agrees" if told["agrees"] else "does NOT agree"
    where = f"on {told['target']} in {told['dtype']}, allowed {told['tolerance']:g}"
    yield f"{package}: {verdict} with PyTorch {where}"


def times_lines(times: Mapping[str, Any]) -> Iterator[str]:
    """Times of a package, as `evaluation.packages.timing` has them."""
    what = f"batch {times['batch']}, {shown_px(times['image_px'])} px, {times['dtype']}"
    where = f"{times['target']}, threads {times['threads']}, {times['evidence']}"
    yield f"{times['package']} on {where}: {what}"
    cycles = "" if times["cycles"] is None else f", {times['cycles']} cycles"
    yield f"median {times['median_ms']:.3f} ms, {times['images_per_s']:.1f} images per second{cycles}"
    if times["runs"] > 1:
        yield (
            f"{times['runs']} runs: {times['fastest_ms']:.3f} to {times['slowest_ms']:.3f} ms,"
            f" half of them {times['lower_quartile_ms']:.3f} to {times['upper_quartile_ms']:.3f} ms"
        )
    yield ""
    whole = sum(layer["ms"] for layer in times["layers"]) or 1.0
    rows = [
        (
            f"{layer['ms']:.3f}",
            f"{layer['ms'] / whole:.1%}",
            layer["op"],
            layer["name"],
            layer["schedule"] or "",
        )
        for layer in times["layers"]
    ]
    yield from _columns(("ms", "share", "operation", "layer", "schedule"), rows, right=2)


def description_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A package, as `package.description` has it."""
    total = found["total"]
    yield (
        f"{found['model'] or 'network'}: {total['weights_kept']} of {total['weights']} weights,"
        f" {total['macs_kept']} of {total['macs']} multiplications of an image of"
        f" {shown_px(found['image_px'])} px"
    )
    yield f"size {found['bytes']} bytes, dense {found['bytes_dense']}"
    if found["target"] is None:
        yield "not tuned: one schedule for all (`colonnade optimize --target` chooses one for each layer)"
    else:
        times = [layer["ms"] for layer in found["layers"] if layer["ms"] is not None]
        spent = f"{sum(times):.3f} ms in {len(times)} layers, {found['evidence']}"
        yield f"tuned for {found['target']}: " + (
            spent if times else "no times for images of this size"
        )
    yield ""
    rows = [
        (
            str(layer["weights_kept"]),
            str(layer["weights"]),
            str(layer["macs_kept"]),
            "" if layer["ms"] is None else f"{layer['ms']:.3f}",
            layer["op"],
            layer["name"],
            layer["pattern"] or "dense",
            layer["schedule"] or "",
        )
        for layer in found["layers"]
    ]
    heads = ("weights", "of", "multiplications", "ms", "operation", "layer", "kept", "schedule")
    yield from _columns(heads, rows, right=4)


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]], right: int) -> Iterator[str]:
    """Lines of a table whose first `right` columns are numbers."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = [
            cell.rjust(width) if index < right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
