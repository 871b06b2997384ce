# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A package is tuned and described: weights, multiplications, schedules and times of its layers."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from colonnade.cli.lines import description_lines
from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern
from colonnade.config.target import load_target
from colonnade.models.graph import Graph, Input
from colonnade.package.archive import read_package
from colonnade.package.description import Description, describe, image_size, input_shapes
from colonnade.package.optimize import optimize
from colonnade.package.tuned import Tuner
from colonnade.results.tables import LAYERS, read_table
from colonnade.targets.target import Target
from colonnade.training.imported import read_network
from tests.unit.tuning.conftest import FakeContainer

from .test_optimize import write_small
from .unpacked import dense_weight, mask_of

ROOT = Path(__file__).resolve().parents[3]
HALF = Pattern(m="full", sparsity=0.5)
# Weights and pixels of an output at 32 pixels, as one counts them in the module's source.
LAYERS_OF_SMALL = {
    "stem.0": (8 * 3 * 3 * 3, 16 * 16),
    "deep": (8 * 5 * 5, 16 * 16),
    "wide": (8 * 8, 16 * 16),
    "squeeze": (8 * 4, 1),
    "excite": (4 * 8, 1),
    "head": (8 * 10, 1),
}
# It adds what the network branches around it.
WIDE = "n1c8h16w16-o8-k1x1-s1-p0-d1-r"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of which one convolution is pruned by half."""
    folder = tmp_path_factory.mktemp("small")
    optimize(write_small(folder / "small.pt2", 32, seed=8), folder / "made", HALF, 4)
    return folder / "made/package"


@pytest.fixture
def package(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "package"))


def layers(found: Description) -> dict[str, Any]:
    return {layer.name: layer for layer in found.layers}


def test_layers_have_their_weights_and_multiplications(package: Path) -> None:
    found = describe(package, 32)
    assert {n: (x.weights, x.macs) for n, x in layers(found).items()} == {
        name: (weights, weights * pixels) for name, (weights, pixels) in LAYERS_OF_SMALL.items()
    }
    kept = {n: (x.weights_kept, x.macs_kept) for n, x in layers(found).items()}
    assert kept.pop("wide") == (32, 32 * 256)
    assert all(kept[name] == (w, w * p) for name, (w, p) in LAYERS_OF_SMALL.items() if name in kept)
    assert {n: (x.op, x.pattern, x.tile) for n, x in layers(found).items()} == {
        "stem.0": ("conv2d", None, None),
        "deep": ("depthwise", None, None),
        "wide": ("conv2d", "0.5 of the columns", 4),
        **dict.fromkeys(("squeeze", "excite", "head"), ("fully_connected", None, None)),
    }
    assert (found.target, found.evidence) == (None, None)
    assert {(x.schedule, x.ms) for x in found.layers} == {(None, None)}


def test_bytes_are_those_of_the_files_and_of_the_dense_network(package: Path) -> None:
    found = describe(package, 32)
    stored = sum((package / name).stat().st_size for name in ("graph.json", "weights.safetensors"))
    columns = load_file(package / "weights.safetensors")["wide.columns"]
    assert columns.shape == (2, 4)
    assert found.bytes == stored
    # 32 weights more, and no list of two tiles' four columns.
    assert found.bytes_dense == stored + 4 * 32 - 4 * 8


def test_the_json_has_totals_and_all_layers(package: Path) -> None:
    document = json.loads(json.dumps(describe(package, 32).to_json()))
    weights = sum(each for each, _ in LAYERS_OF_SMALL.values())
    macs = sum(each * pixels for each, pixels in LAYERS_OF_SMALL.values())
    assert document["total"] == {
        **{"weights": weights, "weights_kept": weights - 32},
        **{"macs": macs, "macs_kept": macs - 32 * 256},
    }
    assert [layer["name"] for layer in document["layers"]] == [
        layer.name for layer in describe(package, 32).layers
    ]
    assert document["image_px"] == 32


def test_groups_are_described_as_such(package: Path) -> None:
    graph = json.loads((package / "graph.json").read_text())
    (node,) = (each for each in graph["nodes"] if each["name"] == "wide")
    node["pattern"] = {"n": 2, "m": 4}
    (package / "graph.json").write_text(json.dumps(graph))
    assert layers(describe(package, 32))["wide"].pattern == "2 of 4 columns"


def test_the_size_of_images_is_the_given_then_the_stated_then_the_usual_one(package: Path) -> None:
    document = json.loads((package / "graph.json").read_text())
    document["preprocessing"] = {"image_px": 48, "mean": [0.5] * 3, "std": [0.25] * 3}
    (package / "graph.json").write_text(json.dumps(document))
    stated = replace(read_package(package), inputs=(Input(name="x", channels=3),))
    plain = replace(stated, graph={**stated.graph, "preprocessing": None})
    sizes = [
        image_size(input_shapes(each, 1, px))
        for each, px in ((stated, 96), (stated, None), (plain, None))
    ]
    assert sizes == [96, 48, 224]
    # The network was imported with images of 32 pixels, and tuned for them.
    assert describe(package).image_px == 32
    found = describe(package, 48)
    assert (found.image_px, layers(found)["wide"].macs) == (48, 64 * 24 * 24)
    assert found.to_json()["preprocessing"] == document["preprocessing"]


def test_images_that_do_not_fit_are_told(tmp_path: Path, package: Path) -> None:
    graph = json.loads((package / "graph.json").read_text())
    # A layer that reads more than there is.
    (node,) = (each for each in graph["nodes"] if each["name"] == "deep")
    node["padding"] = [0] * 4
    node["stride"] = [1, 1]
    following = [each for each in graph["nodes"] if each.get("residual")]
    for each in following:
        each["residual"] = None
    (package / "graph.json").write_text(json.dumps(graph))
    with pytest.raises(
        ColonnadeError, match=r"graph\.json: images of 4 pixels: .*; --image-px giv"
    ):
        describe(package, 4)


class Cheaper(dict[str, int]):
    """Cycles by the share of columns that is kept; a tile of 4 is the fastest."""

    def get(self, key: str, default: Any = None) -> int:
        candidate, _, keep = key.partition("|")
        n, m = map(int, keep.split(":"))
        tile = int((*candidate.split(":"), "99")[1])  # XNNPACK's own has none
        return 1600 * (1000 * n // m + abs(tile - 4))


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The emulated X60 in a checkout, with a bench that answers without running anything."""
    for built in ("riscv64/colonnade-bench", "timing/libcolonnade-timing.so"):
        path = tmp_path / "results/build" / built
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(built)
    for name in ("config", "kernels"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    cycles: Mapping[str, int] = Cheaper()
    return Target("x60", load_target(Path("config/targets"), "x60"), FakeContainer(cycles))


def tuned(target: Target, folder: Path, graph: Graph, tile: int | None) -> dict[str, int]:
    folder.mkdir()
    return Tuner.of(target, 32, 1, tile, folder).tune(graph, "small", ["wide"], HALF)


@pytest.mark.parametrize("tile", [4, 8])
def test_tuning_gives_pruned_layers_the_tile_of_their_fastest_schedule(
    target: Target, made: Path, tmp_path: Path, tile: int
) -> None:
    graph = read_network(made.parents[1] / "small.pt2").graph
    folder = tmp_path / "scratch"
    assert tuned(target, folder, graph, tile) == {"wide": tile}
    table = read_table(folder / "layers.csv", LAYERS)
    chosen = [row for row in table.iter_rows(named=True) if row["chosen"] and row["kept"] == 4]
    assert [(row["layer"], row["tile"]) for row in chosen] == [("wide", tile)]
    # 1600 cycles are a microsecond at 1.6 GHz.
    assert chosen[0]["ms"] == pytest.approx((500 + tile - 4) / 1000)
    assert {row["layer"] for row in table.iter_rows(named=True)} == {"stem.0", "wide"}


def test_a_pattern_that_keeps_every_column_is_searched_dense_only(
    target: Target, made: Path, tmp_path: Path
) -> None:
    graph = read_network(made.parents[1] / "small.pt2").graph
    (tmp_path / "scratch").mkdir()
    # Without a size it is that with which the network was imported.
    tuner = Tuner.of(target, None, 1, 4, tmp_path / "scratch")
    assert tuner.tune(graph, "small", ["wide"], Pattern(n=4, m=4, sparsity=0)) == {}
    profiles = [json.loads(path.read_text()) for path in (tmp_path / "scratch").glob("?.json")]
    assert {each["conv"]: len(each["searches"]) for each in profiles}[WIDE] == 1


def test_what_tuning_left_beside_a_package_is_described(
    target: Target, made: Path, package: Path, tmp_path: Path
) -> None:
    graph = read_network(made.parents[1] / "small.pt2").graph
    tuned(target, tmp_path / "scratch", graph, 4)
    written = json.loads((tmp_path / "scratch/schedules.json").read_text())
    shutil.copy(tmp_path / "scratch/schedules.json", package)
    found = describe(package, 32)
    assert (found.target, found.evidence) == ("x60", None)
    schedule = written["convs"][f"{WIDE}|k4"]
    keys = ("algorithm", "tile", "lmul", "panels", "kc_splits")
    assert layers(found)["wide"].schedule == ":".join(str(schedule[key]) for key in keys)
    assert layers(found)["wide"].ms is None
    shutil.copy(tmp_path / "scratch/layers.csv", package)
    found = describe(package, 32)
    assert (found.target, found.evidence) == ("x60", "modelled")
    assert layers(found)["wide"].ms == pytest.approx(0.5)
    assert layers(found)["stem.0"].ms == pytest.approx(1.0)
    assert (layers(found)["deep"].schedule, layers(found)["head"].schedule) == (None, None)
    # Of the size for which it was tuned.
    assert describe(package) == found
    assert "no times for images of this size" in "\n".join(
        description_lines(describe(package, 64).to_json())
    )


def test_damaged_schedules_are_refused(package: Path) -> None:
    (package / "schedules.json").write_text('{"target": "x60"}')
    with pytest.raises(ColonnadeError, match=r"schedules\.json.*convs"):
        describe(package, 32)


def test_a_node_that_is_not_there_is_told(package: Path) -> None:
    found = read_package(package)
    with pytest.raises(ColonnadeError, match=r"graph\.json: has no node 'gone'"):
        found.node("gone")
    assert mask_of(found, "stem.0") is None
    dense = dense_weight(found, "wide").reshape(8, 8)
    assert dense.dtype == np.float32
    assert [(row != 0).sum() for row in dense] == [4] * 8
