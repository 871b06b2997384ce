# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Damaged and hostile packages: both languages' readers refuse them, and name the same node and key.

One table of damages for the Python reader and the runner; each message must hold the same words.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from colonnade.common import strict_json
from colonnade.common.errors import ColonnadeError
from colonnade.container import Container
from colonnade.models import conv_shape as conv
from colonnade.models import document
from colonnade.models.layers import LAYERS
from colonnade.models.layers.node import MAX_NAME
from colonnade.package import graph as package_graph
from colonnade.package.archive import read_package
from colonnade.targets.emulator import emulator

from . import schedules
from .damages import DAMAGES, Damage, Draft, draft

ROOT = Path(__file__).resolve().parents[2]
IMAGE = (2, 5, 9, 8)


def test_every_layer_type_has_its_damages() -> None:
    packaged = {layer.model_fields["op"].default for layer in LAYERS if layer.is_packaged}
    sound = draft()
    assert {node["op"] for node in sound.graph["nodes"]} == packaged
    damaged = set()
    for _, damage, _ in DAMAGES:
        changed = draft()
        damage(changed)
        others = [each for each in changed.graph["nodes"] if each not in sound.graph["nodes"]]
        damaged |= {each["op"] for each in others}
    assert damaged >= packaged


@pytest.fixture(scope="module")
def run(toolchain: Container, riscv64_programs: Path, scratch: Path) -> Any:
    program = riscv64_programs.relative_to(ROOT) / "colonnade-run"
    image = np.random.default_rng(2).uniform(-1, 1, IMAGE).astype(np.float32)
    save_file({"image": image}, scratch / "input.safetensors")
    where = scratch.relative_to(ROOT)

    draft().write(scratch / "sound")
    schedules.write(scratch / "all.json", schedules.cover(scratch / "sound"))

    def run(package: Path, implementation: str = "colnm_direct", **options: str) -> Any:
        paths = {"input": where / "input.safetensors", "output": where / "output.safetensors"}
        given = {"package": package.relative_to(ROOT), **paths, "report": where / "report.json"}
        given["schedules"] = where / "all.json"
        flags = {"implementation": implementation, **given, **options}
        words = [word for key, value in flags.items() for word in (f"--{key}", str(value))]
        toolchain.run([*emulator(256), str(program), *words])
        return load_file(scratch / "output.safetensors")["logits"]

    return run


def refusal(action: Callable[[Path], Any], package: Path) -> str:
    """The message with which a reader refuses a package: one line."""
    with pytest.raises(ColonnadeError) as refused:
        action(package)
    (line,) = (line for line in str(refused.value).splitlines() if str(package.name) in line)
    return line


def draft_for_xnnpack() -> Draft:
    """The package without what XNNPACK has none of: steps of slices, normalisations, some functions."""
    package = draft()
    node = package.node("lrn")
    for key in ("size", "alpha", "beta", "k"):
        del node[key]
    node.update(op="unary", function="relu")
    for name in ("groups", "pixels"):
        node = package.node(name)
        for key in ("groups", "per_pixel", "eps"):
            del node[key]
        node.update(op="affine", activation="none")
        for own, other in (("weight", "scale"), ("bias", "shift")):
            package.header[f"{name}.{other}"] = package.header.pop(f"{name}.{own}")
    package.node("part").update(step=[1, 1, 1])
    for each in package.graph["nodes"]:
        if each.get("function") in ("gelu_tanh", "mish", "softplus", "erf"):
            each.update(function="abs")
    return package


def test_the_package_itself_is_taken_by_both(run: Any, scratch: Path) -> None:
    assert len(read_package(scratch / "sound").tensors) == 18
    np.testing.assert_allclose(
        run(scratch / "sound", "colnm_direct"),
        run(scratch / "sound", "colnm_packed"),
        rtol=1e-4,
        atol=1e-5,
    )
    with pytest.raises(ColonnadeError, match="'lrn': local_response_norm; allowed in xnnpack_nhwc"):
        run(scratch / "sound", "xnnpack_nhwc_dense")


def test_every_layout_gives_the_same(run: Any, scratch: Path) -> None:
    draft_for_xnnpack().write(scratch / "for XNNPACK")
    implementations = ("colnm_direct", "colnm_packed", "xnnpack_nhwc_dense")
    first, *others = (run(scratch / "for XNNPACK", each) for each in implementations)
    for other in others:
        np.testing.assert_allclose(first, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("damage", "words"), [each[1:] for each in DAMAGES], ids=[each[0] for each in DAMAGES]
)
def test_both_readers_refuse(run: Any, scratch: Path, damage: Damage, words: list[str]) -> None:
    package = scratch / "damaged"
    shutil.rmtree(package, ignore_errors=True)
    broken = draft()
    damage(broken)
    broken.write(package)
    for reader in (read_package, run):
        message = refusal(reader, package)
        assert [word for word in words if word not in message] == [], message
        assert len(message) < 500, message


def test_a_flipped_bit_anywhere_in_the_weights_is_refused(run: Any, scratch: Path) -> None:
    package = scratch / "flipped"
    draft().write(package)
    weights = package / "weights.safetensors"
    sound = weights.read_bytes()
    places = np.random.default_rng(3).permutation(8 * len(sound))[:12]
    for place in places:
        content = bytearray(sound)
        content[place // 8] ^= 1 << place % 8
        weights.write_bytes(content)
        for reader in (read_package, run):
            assert "weights.safetensors" in refusal(reader, package)


@pytest.mark.parametrize("implementation", ["colnm_direct", "colnm_packed", "xnnpack_nhwc_dense"])
def test_an_image_too_small_is_refused_by_name(
    run: Any, scratch: Path, implementation: str
) -> None:
    package = scratch / f"small-{implementation}"
    small = draft()
    small.node("pool").update(kernel=[9, 3], padding=[0, 1, 0, 1])
    small.node("stem").update(padding=[0, 1, 0, 1])
    small.write(package)
    with pytest.raises(ColonnadeError, match=r"'pool'.*\[2, 8, 7, 8\].*at least 9"):
        run(package, implementation)


@pytest.mark.parametrize("implementation", ["colnm_direct", "xnnpack_nhwc_dense"])
def test_an_image_of_another_size_than_the_only_one_is_refused(
    run: Any, scratch: Path, implementation: str
) -> None:
    package = scratch / f"fixed-{implementation}"
    fixed = draft_for_xnnpack()
    (image,) = fixed.graph["inputs"]
    fixed.graph["inputs"] = [{**image, "size": [IMAGE[2], IMAGE[3]]}]
    fixed.write(package)
    assert run(package, implementation).shape == (2, 4)
    fixed.graph["inputs"] = [{**image, "size": [IMAGE[3], IMAGE[2]]}]
    shutil.rmtree(package)
    fixed.write(package)
    words = (
        r"graph.json: input 'image' is 9 by 8; needed: 8 by 9: the network has numbers of that size"
    )
    with pytest.raises(ColonnadeError, match=words):
        run(package, implementation)


def test_limits_are_the_same_in_both_languages() -> None:
    text = (ROOT / "kernels/common/size_limits.h").read_text()
    found = dict(re.findall(r"constexpr size_t (kMax\w+) = ([^;]+);", text))
    # Powers of two are written as shifts.
    limits = {}
    for name, value in found.items():
        base, _, shift = value.replace("size_t{", "").replace("}", "").partition(" << ")
        limits[name] = int(base) << int(shift or 0) if (base + shift).isdigit() else None
    registers = (ROOT / "kernels/include/colonnade/registers.h").read_text()
    (count,) = re.findall(r"#define COLNM_VECTOR_REGISTERS (\d+)", registers)
    limits["kMaxTile"] = int(count) - 1
    expected = {
        "kMaxNodes": document.MAX_NODES,
        "kMaxName": MAX_NAME,
        "kMaxDimension": conv.MAX_SIZE,
        "kMaxWindow": conv.MAX_WINDOW,
        "kMaxTile": package_graph.MAX_TILE,
        "kMaxWeights": package_graph.MAX_WEIGHTS,
        "kMaxElements": conv.MAX_ELEMENTS,
        "kMaxJsonDepth": strict_json.MAX_DEPTH,
        "kMaxJsonBytes": strict_json.MAX_BYTES,
    }
    assert {name: limits[name] for name in expected} == expected


CONV = "n2c5h9w8-o8-k3x3-s1-p1-d1"
SCHEDULE = {"algorithm": "direct", "tile": 4, "lmul": 1, "panels": 2, "kc_splits": 1}


def write_schedules(path: Path, entry: Any, key: str = f"{CONV}|k45", **root: Any) -> str:
    """A schedules file of one entry; returns its path as the runner takes it."""
    return str(schedules.write(path, {key: entry}, **root).relative_to(ROOT))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tile": 0}, ["tile: 0; allowed: a whole number from 1 to 31"]),
        ({"tile": 32}, ["tile: 32"]),
        ({"tile": 2**32 + 4}, ["tile: 4294967300"]),
        ({"lmul": 2.9}, ["lmul: 2.9"]),
        ({"lmul": 3}, ["lmul: 3; allowed: 1, 2, 4, 8"]),
        ({"panels": 0}, ["panels: 0"]),
        ({"panels": 2**33}, ["panels: 8589934592"]),
        ({"kc_splits": True}, ["kc_splits: true"]),
        ({"algorithm": "fastest"}, ["algorithm", "allowed: direct, packed"]),
        ({"groups": 1}, ["groups", "unknown key"]),
    ],
    ids=str,
)
def test_a_wrong_schedule_is_refused(
    run: Any, scratch: Path, change: dict[str, Any], words: list[str]
) -> None:
    package = scratch / "wrongly scheduled"
    if not package.exists():
        draft().write(package)
    wrong = write_schedules(scratch / "wrong.json", {**SCHEDULE, **change})
    with pytest.raises(ColonnadeError) as refused:
        run(package, "colnm_tuned", schedules=wrong)
    for word in ["wrong.json", CONV, *words]:
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("key", "other", "word"),
    [
        (CONV, {}, CONV),
        (f"{CONV}|0.5", {}, "|k1 to |k45"),
        (f"{CONV}|k46", {}, "|k1 to |k45"),
        (f"{CONV}|k45|packed", {}, "|direct"),
        ("n1|k45", {}, "convolution shape"),
        (f"{CONV}|k45", {"version": 2}, "version 3"),
        (f"{CONV}|k45", {"about": ""}, "about"),
        (f"{CONV}|k45", {"stays_dense": [3]}, "stays_dense"),
    ],
)
def test_a_wrong_schedules_file_is_refused(
    run: Any, scratch: Path, key: str, other: dict[str, Any], word: str
) -> None:
    package = scratch / "scheduled wrongly"
    if not package.exists():
        draft().write(package)
    wrong = write_schedules(scratch / "keys.json", SCHEDULE, key, **other)
    with pytest.raises(ColonnadeError) as refused:
        run(package, "colnm_tuned", schedules=wrong)
    assert "keys.json" in str(refused.value)
    assert word in str(refused.value)


def test_a_tile_without_a_kernel_names_node_and_what_is_allowed(run: Any, scratch: Path) -> None:
    wide = draft()
    wide.node("body").update(tile=31)
    tensor = wide.header["body.columns"]
    begin, end = tensor["data_offsets"]
    # A single tile of 8 rows.
    del wide.data[begin + 16 : end]
    tensor.update(shape=[1, 4], data_offsets=[begin, begin + 16])
    for name in list(wide.header)[list(wide.header).index("body.columns") + 1 :]:
        offsets = wide.header[name]["data_offsets"]
        wide.header[name]["data_offsets"] = [each - (end - begin - 16) for each in offsets]
    wide.write(scratch / "wide")
    run(scratch / "wide")
    message = r"node 'body': tile: 31; allowed with the arithmetic f16: 1 to \d+"
    with pytest.raises(ColonnadeError, match=message):
        run(scratch / "wide", dtype="f16")


def test_a_pool_without_a_kernel_names_node_and_what_is_allowed(run: Any, scratch: Path) -> None:
    pool = draft()
    pool.node("pool").update(kernel=[1, 1], stride=[2, 2], padding=[0] * 4)
    pool.write(scratch / "pooled")
    run(scratch / "pooled")
    with pytest.raises(ColonnadeError, match=r"'pool': stride: \[2,2\] of a kernel \[1,1\]; all"):
        run(scratch / "pooled", "xnnpack_nhwc_dense")
    large = draft()
    large.node("pool").update(kernel=[33, 32], padding=[16] * 4)
    large.write(scratch / "large")
    with pytest.raises(ColonnadeError, match=r"'pool': kernel: \[33,32\]; allowed: windows of"):
        run(scratch / "large")


@pytest.mark.parametrize("stride", [[1, 2], [2, 1], [3, 3]])
def test_a_pool_may_have_two_strides(run: Any, scratch: Path, stride: list[int]) -> None:
    package = scratch / f"strides-{stride[0]}-{stride[1]}"
    pool = draft_for_xnnpack()
    pool.node("pool").update(stride=stride)
    pool.write(package)
    np.testing.assert_allclose(
        run(package), run(package, "xnnpack_nhwc_dense"), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.full(IMAGE, np.nan, np.float32), ["image", "nan"]),
        (np.zeros((0, 5, 9, 8), np.float32), ["image", "shape"]),
        (np.zeros((2, 4, 9, 8), np.float32), ["image", "[batch, 5, height, width]"]),
    ],
    ids=["NaN", "no images", "four channels"],
)
def test_a_wrong_image_is_refused(run: Any, scratch: Path, image: Any, words: list[str]) -> None:
    package = scratch / "imaged"
    if not package.exists():
        draft().write(package)
    path = scratch / "wrong.safetensors"
    save_file({"image": image}, path)
    with pytest.raises(ColonnadeError) as refused:
        run(package, input=str(path.relative_to(ROOT)))
    for word in ["wrong.safetensors", *words]:
        assert word in str(refused.value)


def test_a_report_that_cannot_take_its_name_leaves_nothing_behind(run: Any, scratch: Path) -> None:
    folder = scratch / "reports"
    # In the place of the file lies a folder.
    (folder / "report.json").mkdir(parents=True)
    where = str((folder / "report.json").relative_to(ROOT))
    with pytest.raises(ColonnadeError, match=r"report\.json: cannot be written: "):
        run(scratch / "sound", report=where)
    assert [each.name for each in folder.iterdir()] == ["report.json"]


@pytest.mark.parametrize("option", ["warmup", "repetitions"])
def test_more_runs_than_can_be_counted_are_refused(run: Any, scratch: Path, option: str) -> None:
    with pytest.raises(ColonnadeError, match=f"--{option}"):
        run(scratch / "sound", **{option: str(2**32 - 1)})
