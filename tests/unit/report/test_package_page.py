# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The page about a package says of each layer what was found, and draws both bars of it."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from colonnade.report.package import macs_per_layer, write_package_page

SVG = "{http://www.w3.org/2000/svg}"


def layer(name: str, macs: int, kept: int, **more: Any) -> dict[str, Any]:
    return {
        **{"name": name, "op": "conv2d", "pattern": None, "tile": None},
        **{"weights": macs // 100, "weights_kept": kept // 100, "macs": macs, "macs_kept": kept},
        **{"schedule": None, "ms": None},
        **more,
    }


@pytest.fixture
def found() -> dict[str, Any]:
    """A package of two layers, as `inspect --json` prints it."""
    layers = [
        layer("stem<0>", 3_000_000, 3_000_000),
        layer(
            *("wide", 8_000_000, 2_000_000),
            **{"pattern": "1 of 4 columns", "schedule": "packed:8:2:4:1", "ms": 1.23456},
        ),
    ]
    keys = ("weights", "weights_kept", "macs", "macs_kept")
    return {
        **{"model": "net", "image_px": 32, "preprocessing": None},
        **{"bytes": 12_345, "bytes_dense": 67_890, "target": "x60", "evidence": "modelled"},
        "layers": layers,
        "total": {key: sum(each[key] for each in layers) for key in keys},
    }


def rows(page: str) -> list[list[str]]:
    """The text of the table's cells."""
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    return [
        [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", body)
    ]


def digits(text: str) -> str:
    return re.sub(r"(?<=\d)[^\d.](?=\d\d\d)", "", text)


def test_the_table_has_every_layer_escaped(found: dict[str, Any], tmp_path: Path) -> None:
    write_package_page(found, "my package", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    first, second = ([digits(cell) for cell in row] for row in rows(page))
    assert first == [
        *("stem&lt;0&gt;", "conv2d", "dense", "30000", "30000", "3000000", "3000000", "", ""),
    ]
    assert second == [
        *("wide", "conv2d", "1 of 4 columns", "20000", "80000", "2000000", "8000000"),
        *("packed:8:2:4:1", "1.235"),
    ]
    assert "my package, images of 32 px, tuned for x60." in page
    assert "as tuning found them on x60" in page
    cards = digits(re.sub(r"<[^>]*>", " ", page[page.index('"cards"') : page.index("<figure>")]))
    for part in ("5000000 of 11000000", "50000 of 110000", "12345", "dense 67890", "45"):
        assert part in cards


def test_a_package_that_was_not_tuned_names_no_target(
    found: dict[str, Any], tmp_path: Path
) -> None:
    found |= {"model": None, "target": None, "evidence": None}
    write_package_page(found, "my package", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<h1>my package</h1>" in page
    assert "tuned for" not in page
    assert "<caption>" not in page


def test_bars_are_as_long_as_the_multiplications(found: dict[str, Any]) -> None:
    figure = macs_per_layer(found["layers"])
    tree = ElementTree.fromstring(re.sub(r"<!DOCTYPE.*?>", "", figure))
    assert tree.get("aria-label") == "Multiplications of each layer, dense and kept"
    texts = [each.text for each in tree.iter(f"{SVG}text")]
    assert {"stem<0>", "wide", "dense", "kept", "million multiplications of an image"} <= set(texts)
    lengths = []
    for path in tree.iter(f"{SVG}path"):
        if path.get("clip-path") and "fill" in (path.get("style") or ""):
            across = [float(x) for x in re.findall(r"[ML] ([\d.]+)", path.get("d") or "")]
            if max(across) > min(across) and path.get("d", "").strip().endswith("z"):
                lengths.append(max(across) - min(across))
    assert len(lengths) == 4
    assert [length / lengths[1] for length in lengths] == pytest.approx(
        [3 / 8, 1, 3 / 8, 2 / 8], rel=1e-3
    )
