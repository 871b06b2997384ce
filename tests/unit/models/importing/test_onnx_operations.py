# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Operations of ONNX compute what its reference evaluator does, or are refused by their reason."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from colonnade.common.errors import ColonnadeError
from colonnade.models.importing.onnx_reader import import_onnx

from .computing import assert_equal, outputs

SIZES = (2, 6, 8, 9)
RNG = np.random.default_rng(12)
FLOATS: dict[str, Any] = {
    "w": RNG.normal(size=(4, 6, 3, 3)).astype(np.float32),
    "c": RNG.normal(size=(1, 6, 1, 1)).astype(np.float32),
    "flat": RNG.normal(size=(432, 5)).astype(np.float32),
    "five": RNG.normal(size=5).astype(np.float32),
    "columns": RNG.normal(size=(1, 9)).astype(np.float32),
    "half": np.array(0.5, np.float32),
    "zeros": np.zeros((1, 6, 1, 1), np.float32),
    "true": np.array(True),
    "planes": np.array([2, 3]),
    "ones": np.array([2]),
    "one": np.array([1]),
    "inner": np.array([1, 2]),
    "last": np.array([-1]),
    "rows": np.array([0, 6, -1]),
    "pads": np.array([1, 0, 2, 1]),
    "cropped": np.array([-1, 2, 0, -3]),
    "six": RNG.normal(size=6).astype(np.float32),
    "pair": RNG.normal(size=2).astype(np.float32),
    "wide": RNG.normal(size=(6, 5)).astype(np.float32),
    "groups": np.array([0, 2, -1]),
    "parts": np.array([0, 2, 3, 8, 9]),
    "second": np.array(1),
    "last_one": np.array(-1),
    "beyond": np.array([2, 7]),
    "beyond_one": np.array(20),
    "pairs": np.array([0, 2, 3]),
    "flattened": np.array([0, 6]),
    "zero": np.array([0]),
    "eight": np.array([8]),
    "width": np.array([3]),
    "from": np.array([1, -5, 2]),
    "to": np.array([2**63 - 1, -1, 99]),
    "of": np.array([-3, 3, 2]),
    "by": np.array([2, 1, 3]),
    "back": np.array([-1, -1, -1]),
    "sized": np.array([1, 2, 3]),
    "halves": np.array([4, 4]),
    "cube": RNG.normal(size=(2, 6, 5)).astype(np.float32),
}
Node = onnx.NodeProto


def node(kind: str, inputs: str, output: str = "y", **keys: Any) -> Node:
    return helper.make_node(kind, inputs.split(), output.split(), name="n", **keys)


def model(nodes: list[Node], opset: int = 18) -> onnx.ModelProto:
    read = {name for each in nodes for name in each.input}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SIZES)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(v, name) for name, v in FLOATS.items() if name in read],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


COMPUTED: dict[str, list[Node]] = {
    "conv-same-upper": [node("Conv", "x w", auto_pad="SAME_UPPER", strides=[2, 2])],
    "conv-same-lower": [node("Conv", "x w", auto_pad="SAME_LOWER", strides=[3, 2])],
    "conv-valid": [node("Conv", "x w", auto_pad="VALID")],
    "subtracted-from": [node("Sub", "c x")],
    "multiplied-first": [node("Mul", "c x")],
    "sum-of-three": [node("Sum", "x c x")],
    "max-with-a-number": [node("Max", "x half")],
    "min-with-a-number": [node("Min", "half x")],
    "divided": [node("Div", "x half")],
    "gemm": [
        node("Flatten", "x", "a"),
        node("Gemm", "a flat five", alpha=0.5, beta=2.0),
    ],
    "gemm-one-bias": [node("Flatten", "x", "a", axis=-3), node("Gemm", "a flat half")],
    "matmul": [node("Flatten", "x", "a"), node("MatMul", "a flat")],
    "reduced": [node("ReduceMean", "x planes", keepdims=0)],
    "reduced-max": [node("ReduceMax", "x planes", keepdims=1)],
    "squeezed": [node("ReduceMean", "x planes", "a"), node("Squeeze", "a planes")],
    "squeezed-all": [node("ReduceMean", "x planes", "a"), node("Squeeze", "a")],
    "unsqueezed": [
        node("ReduceMean", "x planes", "a", keepdims=0),
        node("Unsqueeze", "a planes", "b"),
        node("Mul", "x b"),
    ],
    "reshaped": [
        node("Reshape", "x rows", "a"),
        node("ReduceMean", "a last", keepdims=0),
    ],
    "padded-planes": [node("Pad", "x pads half planes")],
    "padded-reflected": [node("Pad", "x pads half planes", mode="reflect")],
    "padded-edge": [node("Pad", "x pads half planes", mode="edge")],
    "padded-wrapped": [node("Pad", "x pads half planes", mode="wrap")],
    "prelu": [node("PRelu", "x c")],
    "transposed-and-back": [
        node("Transpose", "x", "a"),
        node("Relu", "a", "b"),
        node("Transpose", "b"),
    ],
    "negative": [node("Neg", "x")],
    "sliced": [node("Slice", "x from to of by")],
    "sliced-without-steps": [node("Slice", "x from to of")],
    "split": [node("Split", "x sized", "a b c", axis=1), node("Concat", "c a b", axis=1)],
    "split-evenly": [node("Split", "x", "a y b", axis=-3, num_outputs=3)],
    "split-unevenly": [node("Split", "x", "a b c d y", axis=3, num_outputs=5)],
    "layer-norm-and-product": [
        node("Transpose", "x", "a", perm=[0, 2, 3, 1]),
        node("LayerNormalization", "a six six", "b"),
        node("MatMul", "b wide", "d"),
        node("Add", "five d", "e"),
        node("Transpose", "e", perm=[0, 3, 1, 2]),
    ],
    "layer-norm-of-features": [
        node("ReduceMean", "x planes", "a", keepdims=0),
        node("LayerNormalization", "a six", epsilon=0.5),
    ],
    "mean-of-the-inner-axes": [
        node("Transpose", "x", "a", perm=[0, 2, 3, 1]),
        node("ReduceMean", "a inner", "b", keepdims=0),
        node("MatMul", "b wide"),
    ],
    "instance-norm": [node("InstanceNormalization", "x six six", epsilon=0.25)],
    "instance-norm-of-groups": [
        node("Reshape", "x groups", "a"),
        node("InstanceNormalization", "a pair pair", "b"),
        node("Shape", "x", "s"),
        node("Reshape", "b s"),
    ],
    "space-to-depth": [
        node("Slice", "x zero eight width", "a"),
        node("SpaceToDepth", "a", blocksize=2),
    ],
    "sum-of-groups": [node("Reshape", "x parts", "a"), node("ReduceSum", "a one", keepdims=0)],
    "gathered-group": [node("Reshape", "x parts", "a"), node("Gather", "a second", axis=1)],
    "sum-of-planes": [node("ReduceSum", "x planes")],
    "softmax-over-groups": [
        node("ReduceMean", "x planes", "a", keepdims=0),
        node("Reshape", "a pairs", "b"),
        node("Softmax", "b", "d", axis=1),
        node("Reshape", "d flattened"),
    ],
    "concatenated": [node("Relu", "x", "a"), node("Concat", "a x", axis=-3)],
}


@pytest.mark.parametrize("seed", [13], ids="seed{}".format)
@pytest.mark.parametrize("name", COMPUTED)
def test_operations_compute_what_the_reference_does(name: str, seed: int) -> None:
    made = model(COMPUTED[name])
    x = np.random.default_rng(seed).normal(size=SIZES).astype(np.float32)
    (expected,) = ReferenceEvaluator(made).run(None, {"x": x})  # type: ignore[misc]
    assert_equal(outputs(import_onnx(made, "net.onnx"), [x]), [np.asarray(expected)], 1e-5)


def test_pads_below_0_cut() -> None:
    """The reference has none of them."""
    x = np.random.default_rng(17).normal(size=SIZES).astype(np.float32)
    expected = np.pad(x[:, :, 1:, :-3], ((0, 0), (0, 0), (0, 0), (2, 0)), constant_values=0.5)
    made = model([node("Pad", "x cropped half planes")])
    assert_equal(outputs(import_onnx(made, "net.onnx"), [x]), [expected], 0)


OF_OLD_OPSETS: dict[str, tuple[int, list[Node]]] = {
    "sliced": (9, [node("Slice", "x", starts=[1, -5], ends=[2**31 - 1, -1], axes=[1, 3])]),
    "sliced-first-axes": (7, [node("Slice", "x", starts=[0, 2], ends=[2**63 - 1, 5])]),
    "sliced-by-steps": (10, [node("Slice", "x from to sized by")]),
    "split": (7, [node("Split", "x", "a y", axis=1, split=[2, 4])]),
    "split-evenly": (11, [node("Split", "x", "a y c", axis=1)]),
    "split-by-sizes": (13, [node("Split", "x halves", "y b", axis=2)]),
}


@pytest.mark.parametrize("seed", [16], ids="seed{}".format)
@pytest.mark.parametrize("name", OF_OLD_OPSETS)
def test_operations_of_old_opsets_compute_what_the_reference_does(name: str, seed: int) -> None:
    opset, nodes = OF_OLD_OPSETS[name]
    x = np.random.default_rng(seed).normal(size=SIZES).astype(np.float32)
    made = model(nodes, opset)
    (expected,) = ReferenceEvaluator(made).run(None, {"x": x})  # type: ignore[misc]
    assert_equal(outputs(import_onnx(made, "net.onnx"), [x]), [np.asarray(expected)], 1e-5)


POOL = {"kernel_shape": [2, 2]}
REFUSED: dict[str, tuple[list[Node], str]] = {
    "automatic padding": ([node("Conv", "x w", auto_pad="ODD")], "auto_pad '?b?'?ODD|not valid"),
    "weight": ([node("Relu", "x", "a"), node("Conv", "x a")], "weight is no constant"),
    "three sizes": (
        [node("Reshape", "x rows", "a"), node("MaxPool", "a", **POOL)],
        r"3 dimensions; allowed: \[N, C, H, W\]",
    ),
    "another bias": (
        [node("Conv", "x w six")],
        r"bias 'six' \[6\]; needed: \[4\]",
    ),
    "another kernel": (
        [node("Conv", "x w", kernel_shape=[5, 5])],
        r"kernel_shape \[5, 5\]; the weight has \[3, 3\]",
    ),
    "no such axis": ([node("ReduceMean", "x beyond")], "axis 7; allowed: -4 to 3"),
    "no axis to flatten from": ([node("Flatten", "x", axis=5)], "axis 5; allowed: -5 to 4"),
    "no such row": (
        [node("Gather", "x beyond_one", axis=3)],
        "index of axis 3: 20; allowed: -9 to 8",
    ),
    "no axis to gather from": ([node("Gather", "x second", axis=-5)], "axis -5; allowed: -4 to 3"),
    "part of an index": ([node("Gather", "x half", axis=1)], "indices 'half' are no whole numbers"),
    "order": ([node("MaxPool", "x", storage_order=1, **POOL)], "storage_order 1"),
    "all axes": ([node("ReduceMean", "x")], "over all axes; allowed: whole planes"),
    "several of an axis": (
        [node("Gather", "x planes", axis=1)],
        r"indices \[2\]; allowed: a single one",
    ),
    "backwards": ([node("Slice", "x from to of back")], "step -1; allowed: 1 and more"),
    "other parts": ([node("Split", "x halves", "y b", axis=1)], r"parts \[4, 4\] of axis 1 of a"),
    "too few parts": ([node("Split", "x sized", "y b", axis=1)], r"6 in 2 parts \[1, 2, 3\]"),
    "turned": ([node("Gemm", "x flat", transA=1)], "transA 1; allowed: 0"),
    "cube": ([node("Flatten", "x", "a"), node("Gemm", "a cube")], r"B \[2, 6, 5\]; needed: two"),
    "bias": (
        [node("Flatten", "x", "a"), node("Gemm", "a flat columns")],
        r"C \[1, 9\]; allowed: one number for each column",
    ),
    "product": (
        [node("MatMul", "x flat")],
        r"of a tensor \[2, 6, 8, 9\]; allowed: \[N, C\], or a map's",
    ),
    "swish": ([node("Swish", "x", alpha=2.0)], "alpha other than 1"),
    "border": ([node("Pad", "x pads", mode="mean")], "mode 'mean'; allowed: 'constant', 'reflect'"),
    "cut and reflected": (
        [node("Pad", "x cropped half planes", mode="reflect")],
        r"pads \[-1, 2, 0, -3\] in mode 'reflect'; allowed: 0 and more",
    ),
    "channels": ([node("Pad", "x pads half inner")], "allowed: of height and width"),
    "pads": (
        [node("Pad", "x pads half ones")],
        r"pads \[1, 0, 2, 1\]; needed: 2, two for each axis",
    ),
    "pads of all axes": ([node("Pad", "x pads")], r"pads \[1, 0, 2, 1\]; needed: 8, two for each"),
    "no ones": ([node("Squeeze", "x ones")], r"axes \[2\] of \[2, 6, 8, 9\]"),
    "axes": ([node("Transpose", "x", perm=[0, 1])], r"axes \[0, 1\] of a tensor"),
    "even": ([node("LRN", "x", size=4)], "size 4; allowed: odd ones"),
    "training": ([node("Dropout", "x half true")], "training_mode true"),
    "whole numbers": ([node("Cast", "x", to=7)], "to another type than a floating-point one"),
    "quotient": (
        [node("Relu", "x", "a"), node("Div", "x a")],
        "by a tensor; allowed: by a constant",
    ),
    "zeros": ([node("Div", "x zeros")], r"by the constant 'zeros' \[1, 6, 1, 1\], which has zeros"),
    "several limits": ([node("Max", "x c")], r"the constant 'c' .*; allowed: a single number"),
    "columns": (
        [node("Add", "x columns")],
        r"a tensor \[2, 6, 8, 9\] and the constant 'columns' \[1, 9\]; allowed: a number",
    ),
    "elements": ([node("Reshape", "x planes")], r"as \[2, 3\]: other elements"),
    "softmax": ([node("Softmax", "x", axis=2)], "needed: features|allowed: axis 1 of features"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_node_computes_is_refused_by_its_reason(name: str) -> None:
    nodes, words = REFUSED[name]
    opset = 24 if name == "swish" else 18
    with pytest.raises(ColonnadeError, match=words) as refused:
        import_onnx(model(nodes, opset), "net.onnx")
    assert str(refused.value).startswith("net.onnx: ")


def opened(nodes: list[Node]) -> onnx.ModelProto:
    """A model that leaves number, height and width of its images open."""
    made = model(nodes)
    for axis in (0, 2, 3):
        made.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f"size{axis}"
    return made


SAME: dict[str, Any] = {"auto_pad": "SAME_UPPER", "strides": [2, 2]}
SHAPE = node("Shape", "x", "s")


def resized(mode: str = "linear") -> Node:
    """To the sizes `s`."""
    return helper.make_node("Resize", ["a", "", "", "s"], ["y"], name="n", mode=mode)


OPEN: dict[str, list[Node]] = {
    "stride 1": [node("Conv", "x w", auto_pad="SAME_LOWER")],
    "stride 1 of a pool": [node("MaxPool", "x", kernel_shape=[2, 2], auto_pad="SAME_UPPER")],
    "as large": [node("Relu", "x", "a"), SHAPE, resized()],
    "sliced": [node("Slice", "x from to of by")],
    "split": [node("Split", "x sized", "a y b", axis=1)],
    "last row": [
        node("Gather", "x last_one", "a", axis=2),
        node("ReduceMean", "a last", keepdims=0),
    ],
    "as many channels": [
        node("Shape", "x", "s", start=1, end=2),
        node("Sub", "s ones", "a"),
        node("Slice", "x ones a one"),
    ],
    "seen as it is": [node("Relu", "x", "a"), SHAPE, node("Reshape", "a s")],
}


@pytest.mark.parametrize("seed", [14], ids="seed{}".format)
@pytest.mark.parametrize("name", OPEN)
def test_what_leaves_sizes_open_is_computed_at_another_size(name: str, seed: int) -> None:
    made = opened(OPEN[name])
    x = np.random.default_rng(seed).normal(size=(1, 6, 11, 14)).astype(np.float32)
    (expected,) = ReferenceEvaluator(made).run(None, {"x": x})  # type: ignore[misc]
    assert_equal(outputs(import_onnx(made, "net.onnx"), [x]), [np.asarray(expected)], 1e-5)


OF_ONE_SIZE: dict[str, tuple[list[Node], str]] = {
    "conv": ([node("Conv", "x w", **SAME)], "auto_pad 'SAME_UPPER' with stride 2 follows from a"),
    "pool": ([node("AveragePool", "x", kernel_shape=[2, 2], **SAME)], "auto_pad 'SAME_UPPER' with"),
    "resized": (
        [node("MaxPool", "x", "a", kernel_shape=[3, 3]), SHAPE, resized()],
        r"sizes \[1\.00\d+, 1\.00\d+\] times as large follow from a size",
    ),
    "sliced": (
        [
            node("Shape", "x", "s", start=2, end=3),
            node("Sub", "s ones", "a"),
            node("Slice", "x ones a ones"),
        ],
        "Slice 'n': 'a' follows from a size that is left open; needed: fixed sizes",
    ),
    "split": (
        [node("Split", "x", "a y b", axis=2, num_outputs=3)],
        r"Split 'n': parts \[75, 75, 74\] of axis 2 follow from a size that is left open",
    ),
    "times": (
        [SHAPE, node("Cast", "s", "a", to=1), node("ReduceMax", "a", "b"), node("Mul", "x b")],
        "Mul 'n': 'b' follows from a size that is left open; needed: fixed sizes",
    ),
}


@pytest.mark.parametrize("name", OF_ONE_SIZE)
def test_what_follows_from_a_size_that_is_open_needs_one_that_is_given(name: str) -> None:
    nodes, words = OF_ONE_SIZE[name]
    with pytest.raises(ColonnadeError, match=words):
        import_onnx(opened(nodes), "net.onnx")
    x = np.random.default_rng(15).normal(size=(1, 6, 9, 9)).astype(np.float32)
    (expected,) = ReferenceEvaluator(opened(nodes)).run(None, {"x": x})  # type: ignore[misc]
    imported = import_onnx(opened(nodes), "net.onnx", image_px=9)
    assert_equal(outputs(imported, [x]), [np.asarray(expected)], 1e-5)
    for found in (imported, import_onnx(model(nodes), "net.onnx")):
        assert [each.fixed for each in found.graph.inputs] == [True]


@pytest.mark.parametrize("name", [*OPEN, "padded"])
def test_what_holds_at_any_size_is_taken_at_any(name: str) -> None:
    nodes = (OPEN | {"padded": [node("Pad", "x pads half planes")]})[name]
    (image,) = import_onnx(opened(nodes), "net.onnx", image_px=9).graph.inputs
    assert (image.size, image.fixed) == ((9, 9), False)
