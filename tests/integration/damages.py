# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A small package, and what can be wrong with one: the words that every reader's message has."""

import hashlib
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

WINDOW = {"kernel": [3, 3], "stride": [1, 1], "padding": [1, 1, 1, 1]}


def conv(name: str, source: str, channels: tuple[int, int], **other: Any) -> dict[str, Any]:
    """A dense convolution from `channels[0]` to `channels[1]` channels."""
    node = {"op": "conv2d", "name": name, "input": source, "output": f"{name}.out"}
    node |= {"in_channels": channels[0], "out_channels": channels[1], **WINDOW}
    node |= {"dilation": [1, 1], "groups": 1, "residual": None, "activation": "relu"}
    return node | {"pattern": None, "tile": None} | other


def node(op: str, name: str, source: str | list[str], **keys: Any) -> dict[str, Any]:
    """A node of one or several inputs."""
    read = {"input": source} if isinstance(source, str) else {"inputs": source}
    return {"op": op, "name": name, **read, "output": f"{name}.out", **keys}


def nodes() -> list[dict[str, Any]]:
    """Every operation, and a pruned convolution beside a dense one."""
    one = {"kernel": [1, 1], "padding": [0] * 4, "activation": "none"}
    pruned = {"pattern": {"n": 2, "m": 4}, "tile": 3}
    return [
        conv("stem", "image", (5, 8)),
        conv("body", "stem.out", (8, 8), **one, **pruned),
        conv("tail", "body.out", (8, 8), **one, residual="stem.out"),
        node("binary", "sum", ["tail.out", "stem.out"], function="add", activation="relu"),
        node("max_pool2d", "pool", "sum.out")
        | {**WINDOW, "stride": [2, 2], "dilation": [1, 1], "ceil_mode": False},
        conv("depth", "pool.out", (8, 8), groups=8, activation="relu6"),
        node("affine", "norm", "depth.out", channels=8, activation="relu"),
        node("pad", "border", "norm.out", padding=[1, 0, 0, 2], value=0.5),
        node("channel_shuffle", "mixed", "border.out", groups=4),
        node("local_response_norm", "lrn", "mixed.out", size=3, alpha=0.1, beta=0.75, k=1.0),
        node("group_norm", "groups", "lrn.out", channels=8, groups=2, per_pixel=False, eps=1e-5),
        node("group_norm", "pixels", "groups.out", channels=8, groups=1, per_pixel=True, eps=1e-5),
        node("avg_pool2d", "average", "pixels.out")
        | {**WINDOW, "ceil_mode": True, "count_include_pad": False},
        node("upsample2d", "up", "average.out", mode="bilinear")
        | {"size": None, "scale": [2.0, 1.0], "align_corners": False},
        *(node("unary", f"unary{index}", "up.out", **keys) for index, keys in enumerate(FUNCTIONS)),
        node("concat", "joined", [f"unary{index}.out" for index in range(2)]),
        node("slice", "part", "joined.out", begin=[2, 1, -9], end=[None, -1, 5], step=[3, 1, 2]),
        node("flatten", "flat", "part.out"),
        node("global_pool", "mean", "up.out", function="avg"),
        node("binary", "scaled", ["up.out", "mean.out"], function="mul", activation="none"),
        node("fully_connected", "fc", "mean.out", in_features=8, out_features=4)
        | {"output": "logits"},
        node("softmax", "shares", "logits"),
    ]


FUNCTIONS: list[dict[str, Any]] = [
    *({"function": each} for each in ("relu", "relu6", "hard_swish", "sigmoid", "silu", "tanh")),
    {"function": "clip", "min": -0.5, "max": None},
    {"function": "hard_sigmoid", "alpha": 0.2, "beta": 0.5},
    {"function": "leaky_relu", "slope": 0.1},
    {"function": "prelu", "channels": 8},
    *(
        {"function": each}
        for each in ("gelu", "gelu_tanh", "mish", "softplus", "erf", "exp", "abs")
    ),
    {"function": "elu", "alpha": 0.75},
]


@dataclass
class Draft:
    """A package that can be damaged before it is written; its digest is that of what is written."""

    graph: dict[str, Any]
    header: dict[str, Any]
    data: bytearray
    edit_graph: Callable[[str], str] = field(default=lambda text: text)
    edit_header: Callable[[str], str] = field(default=lambda text: text)

    def node(self, name: str) -> dict[str, Any]:
        """The node of that name, to be changed."""
        found: dict[str, Any]
        (found,) = (each for each in self.graph["nodes"] if each["name"] == name)
        return found

    def tensor(self, name: str, dtype: str) -> Any:
        """The elements of a tensor, to be changed."""
        begin, end = self.header[name]["data_offsets"]
        return np.frombuffer(memoryview(self.data)[begin:end], dtype=dtype)

    def write(self, folder: Path) -> None:
        """Write both files."""
        text = self.edit_header(json.dumps(self.header)).encode()
        weights = struct.pack("<Q", len(text)) + text + bytes(self.data)
        folder.mkdir()
        (folder / "weights.safetensors").write_bytes(weights)
        digest = hashlib.sha256(weights).hexdigest()
        graph = {"weights_sha256": digest, **self.graph}
        (folder / "graph.json").write_text(self.edit_graph(json.dumps(graph)))


STATED = {"image_px": 32, "mean": [0.5, 0.25, 0], "std": [1, 0.5, 2]}


def draft() -> Draft:
    """A package that both readers take."""
    rng = np.random.default_rng(1)
    columns = np.stack([np.sort(rng.permutation(8)[:4]) for _ in range(3)]).astype(np.int32)
    tensors = {
        "stem.weight": rng.uniform(-1, 1, (8, 3, 3, 5)),
        "stem.bias": rng.uniform(-1, 1, 8),
        "body.columns": columns,
        "body.values": rng.uniform(-1, 1, 32),
        "body.bias": rng.uniform(-1, 1, 8),
        "tail.weight": rng.uniform(-1, 1, (8, 1, 1, 8)),
        "tail.bias": rng.uniform(-1, 1, 8),
        "depth.weight": rng.uniform(-1, 1, (8, 3, 3, 1)),
        "depth.bias": rng.uniform(-1, 1, 8),
        "norm.scale": rng.uniform(-1, 1, 8),
        "norm.shift": rng.uniform(-1, 1, 8),
        "groups.weight": rng.uniform(-1, 1, 8),
        "groups.bias": rng.uniform(-1, 1, 8),
        "pixels.weight": rng.uniform(-1, 1, 8),
        "pixels.bias": rng.uniform(-1, 1, 8),
        "unary9.slope": rng.uniform(-1, 1, 8),
        "fc.weight": rng.uniform(-1, 1, (4, 8)),
        "fc.bias": rng.uniform(-1, 1, 4),
    }
    header, data = {}, bytearray()
    for name, values in tensors.items():
        is_index = values.dtype == np.int32
        content = values.astype(np.int32 if is_index else np.float32).tobytes()
        header[name] = {
            "dtype": "I32" if is_index else "F32",
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    graph = {"format": "colonnade-package", "version": 3}
    graph |= {"preprocessing": STATED}
    graph |= {"inputs": [{"name": "image", "channels": 5}], "outputs": ["logits"]}
    return Draft(graph | {"nodes": nodes()}, header, data)


Damage = Callable[[Draft], Any]


def put(node: str, key: str, value: Any) -> Damage:
    """Set a key of a node."""
    return lambda package: package.node(node).update({key: value})


def put_root(key: str, value: Any) -> Damage:
    """Set a key of the graph."""
    return lambda package: package.graph.update({key: value})


def put_element(tensor: str, dtype: str, index: int, value: float) -> Damage:
    """Set an element of a tensor."""
    return lambda package: package.tensor(tensor, dtype).__setitem__(index, value)


def put_header(tensor: str, key: str, value: Any) -> Damage:
    """Set a key of a tensor's entry in the header."""
    return lambda package: package.header[tensor].update({key: value})


def append_nodes(*more: dict[str, Any]) -> Damage:
    """Add nodes behind the last one."""
    return lambda package: package.graph["nodes"].extend(more)


def with_text(attribute: str, old: str, new: str) -> Damage:
    """Replace in the text of the graph or the header."""
    return lambda package: setattr(package, attribute, lambda text: text.replace(old, new, 1))


def misplace(package: Draft) -> None:
    """Let the last tensor lie over the one before it."""
    begin, end = package.header["fc.bias"]["data_offsets"]
    package.header["fc.bias"]["data_offsets"] = [begin - 8, end - 8]


def average(name: str, source: str) -> dict[str, Any]:
    """A second average."""
    return node("global_pool", name, source, function="avg")


WHOLE: list[tuple[str, Damage, list[str]]] = [
    (f"{node} {key} {json.dumps(value)}", put(node, key, value), [node, key])
    for node, key, values in [
        ("stem", "kernel", [[3.9, 3], [2**32 + 3, 3], [3, 3, 3], [0, 3], [3], 3, [True, 3]]),
        ("stem", "stride", [[1, 0], [1, 2**40], ["1", 1]]),
        (
            "stem",
            "padding",
            [True, [1, 1], [10**7, 0, 0, 0], [-1, 0, 0, 0], [1] * 3, [1, 1, None, 1]],
        ),
        ("stem", "dilation", [[0, 1], [1, 1.0]]),
        ("stem", "in_channels", [5.7, 2**63, 2**64 + 5, 0, -5, "5", None]),
        ("stem", "out_channels", [10**10, 1e300, False]),
        ("stem", "activation", ["tanh", None, 1]),
        ("stem", "tile", [4]),
        ("body", "tile", [0, 32, 3.0, None, 2**32 + 3]),
        ("body", "pattern", [[], 7, "2:4"]),
        ("pool", "stride", [[2**40, 2**40], [0, 1]]),
        ("pool", "padding", [[3] * 4, [1, 1, 1, 4], [1, 1]]),
        ("pool", "dilation", [[0, 1], [1], 2]),
        ("pool", "ceil_mode", [0, "no", None]),
        ("fc", "in_features", [8.5, 0, 2**63]),
        ("fc", "out_features", [10**10]),
        ("tail", "residual", [3, "", ["stem.out"], False]),
        ("sum", "inputs", [["stem.out"], ["body.out", "stem.out", "stem.out"], "stem.out"]),
        ("sum", "op", ["add", "subtract", "global_avg_pool", 3]),
        ("sum", "function", ["divide", None, 1]),
        ("sum", "activation", ["tanh", None]),
        ("mean", "groups", [1]),
        ("mean", "function", ["min", None]),
        ("stem", "groups", [0, 5, 2, 1.0, None]),
        ("depth", "groups", [3, 16]),
        ("depth", "tile", [2]),
        ("norm", "channels", [0, 8.0]),
        ("norm", "activation", ["sigmoid"]),
        ("border", "padding", [[0, 0], [256, 0, 0, 0], [-1, 0, 0, 0]]),
        ("border", "value", [None, "0", True]),
        # The value is of a border of one value.
        ("border", "mode", ["mirror", None, 1, "reflect"]),
        ("mixed", "groups", [3, 0, 16, None]),
        ("lrn", "size", [0, 256, 2.5]),
        ("lrn", "alpha", [None, "1", -0.1]),
        ("lrn", "k", [None, 0.0, -1.0, 1e-39]),
        ("groups", "groups", [3, 0, 16, None]),
        ("groups", "channels", [0, 8.0]),
        ("groups", "per_pixel", [0, None]),
        ("groups", "eps", [None, 0.0, 1e-39, "1"]),
        ("average", "padding", [[3, 0, 0, 0], [0, 0, 0, 3]]),
        ("average", "count_include_pad", [1, None]),
        ("average", "dilation", [[1, 1]]),
        ("up", "mode", ["cubic", None]),
        ("up", "scale", [None, [0, 1], [1], [256, 1], 2]),
        ("up", "size", [[4, 4], [0, 4]]),
        ("up", "align_corners", [0, None]),
        ("unary0", "function", ["sine", 3, None]),
        ("unary0", "slope", [0.1]),
        ("unary6", "min", [None, "0", True]),
        ("unary6", "max", [-1, "0"]),
        ("unary7", "alpha", [None, "0.2"]),
        ("unary8", "slope", [None, True]),
        ("unary9", "channels", [0, None]),
        ("unary17", "alpha", [None, "1"]),
        ("flat", "axis", [1]),
        ("part", "begin", [[0, 0], [0, 0, None], [0, 0, 65537], [-65537, 0, 0], [0, 1.5, 0], 2]),
        ("part", "begin", [[2**64 - 1, 0, 0], [True, 0, 0]]),
        ("part", "end", [[1], ["1", None, None], [0.5, None, None], [None, -(2**63), None], None]),
        ("part", "step", [[1, 1, 0], [-1, 1, 1], [1, 1], [1, 1, None], [1, 1, 65537]]),
        ("part", "axis", [1]),
        ("joined", "inputs", [["up.out"], [], "up.out", [1, 2]]),
    ]
    for value in values
]
BODY = "body.columns"
DAMAGES: list[tuple[str, Damage, list[str]]] = [
    *WHOLE,
    ("pattern of more", put("body", "pattern", {"n": 5, "m": 4}), ["body", "pattern", "n"]),
    ("pattern key", put("body", "pattern", {"n": 1, "m": 4, "k": 1}), ["body", "pattern", "k"]),
    ("sparsity", put("body", "pattern", {"sparsity": 2, "m": "full"}), ["body", "sparsity"]),
    ("unknown root key", put_root("groups", 1), ["groups"]),
    ("version", put_root("version", 4), ["colonnade-package", " 4"]),
    ("version before", put_root("version", 2), ["colonnade-package", " 2"]),
    ("format", put_root("format", "onnx"), ["colonnade-package"]),
    ("no nodes", put_root("nodes", []), ["nodes"]),
    ("no inputs", put_root("inputs", []), ["inputs"]),
    (
        "input twice",
        put_root("inputs", [{"name": "image", "channels": 5}] * 2),
        ["inputs", "image"],
    ),
    *(
        (
            f"input of size {json.dumps(size)}",
            put_root("inputs", [{"name": "image", "channels": 5, "size": size}]),
            ["inputs", "size"],
        )
        for size in ([32], [0, 32], 32, [32, 32, 32], ["32", 32], [2**17, 32])
    ),
    ("no outputs", put_root("outputs", []), ["outputs"]),
    ("output twice", put_root("outputs", ["logits", "logits"]), ["outputs", "logits"]),
    ("unknown output", put_root("outputs", ["nothing"]), ["outputs", "nothing", "not exist"]),
    ("float16", put_root("dtype", "f16"), ["dtype"]),
    ("other digest", put_root("weights_sha256", "0" * 64), ["SHA-256", "weights_sha256"]),
    ("unknown input", put("pool", "input", "nowhere"), ["pool", "nowhere", "does not exist"]),
    ("loop", put("stem", "input", "sum.out"), ["stem", "sum.out", "does not exist"]),
    ("tensor twice", put("pool", "output", "sum.out"), ["pool", "sum.out", "exists already"]),
    (
        "name twice",
        append_nodes(conv("stem", "image", (5, 8), output="x")),
        ["stem", "exists already"],
    ),
    # 129 letters of two bytes each.
    ("name of 258 bytes", put("flat", "name", "\u00fc" * 129), ["name", "256 bytes"]),
    ("node without key", lambda p: p.node("stem").pop("stride"), ["stem", "stride"]),
    (
        "key twice",
        with_text("edit_graph", '"name": "stem"', '"name": "stem", "name": "stem"'),
        ["name", "twice"],
    ),
    (
        "deep nesting",
        with_text("edit_graph", '"logits"]', "[" * 40 + "]" * 40 + "]"),
        ["nested too deep"],
    ),
    (
        "very deep nesting",
        with_text("edit_graph", '"logits"]', "[" * 99999 + "]" * 99999 + "]"),
        ["nested too deep"],
    ),
    ("not JSON", with_text("edit_graph", "{", "{,"), ["graph.json"]),
    ("NaN", with_text("edit_graph", "[1, 1]", "[NaN, 1]"), ["graph.json"]),
    (
        "value of infinity",
        with_text("edit_graph", '"value": 0.5', '"value": 1e999'),
        ["graph.json"],
    ),
    *(
        (f"no {key} of {name}", lambda p, name=name, key=key: p.node(name).pop(key), [name, key])
        for name, key in [
            *[("sum", "function"), ("pool", "ceil_mode"), ("average", "count_include_pad")],
            *[("up", "size"), ("unary6", "min"), ("unary7", "beta"), ("unary8", "slope")],
            *[
                ("unary9", "channels"),
                ("unary17", "alpha"),
                ("norm", "channels"),
                ("lrn", "k"),
                ("groups", "per_pixel"),
                ("border", "value"),
            ],
            *[("part", "begin"), ("part", "end"), ("part", "step")],
        ]
    ),
    # Ranks, channels and shapes.
    ("shuffle of 5 channels", put("mixed", "input", "image"), ["mixed", "groups", "[N, 5, H, W]"]),
    (
        "softmax of a map",
        append_nodes(node("softmax", "late", "up.out")),
        ["late", "a map [N, 8, H, W]", "needed: features"],
    ),
    (
        "rows of features",
        append_nodes(
            node("slice", "late", "mean.out", begin=[0] * 3, end=[None, 1, None], step=[1] * 3)
        ),
        ["late", "features [N, 8]", "needed: a map"],
    ),
    (
        "no channel",
        put("part", "begin", [16, 0, 0]),
        ["part", "a map [N, 16, H, W]", "needed: one of which begin [16", "leave an element"],
    ),
    (
        "norm of other channels",
        put("norm", "input", "image"),
        ["norm", "a map [N, 5, H, W]", "needed: a map [N, 8, H, W]"],
    ),
    (
        "groups of other channels",
        put("groups", "input", "image"),
        ["groups", "a map [N, 5, H, W]", "needed: a map [N, 8, H, W]"],
    ),
    (
        "map beside features",
        append_nodes(node("concat", "late", ["up.out", "mean.out"])),
        ["late", "a map [N, 8, H, W]", "features [N, 8]"],
    ),
    (
        "features of other channels",
        append_nodes(
            node("binary", "late", ["image", "mean.out"], function="mul", activation="none")
        ),
        ["late", "a map [N, 5, H, W]", "features [N, 8]"],
    ),
    (
        "channels",
        put_root("inputs", [{"name": "image", "channels": 4}]),
        ["stem", "a map [N, 4, H, W]", "needed: a map [N, 5, H, W]"],
    ),
    (
        "500 channels",
        put_root("inputs", [{"name": "image", "channels": 500}]),
        ["stem", "a map [N, 500, H, W]"],
    ),
    (
        "conv of features",
        append_nodes(conv("late", "mean.out", (8, 8))),
        ["late", "features [N, 8]", "needed: a map"],
    ),
    ("pool of features", put("pool", "input", "logits"), ["pool", "logits", "does not exist"]),
    (
        "average of features",
        append_nodes(average("again", "mean.out")),
        ["again", "features [N, 8]", "needed: a map"],
    ),
    (
        "sum of features",
        append_nodes(
            {**nodes()[3], "name": "late", "inputs": ["mean.out", "logits"], "output": "x"}
        ),
        ["late", "features [N, 8]", "features [N, 4]"],
    ),
    (
        "max pool of features",
        append_nodes({**nodes()[4], "name": "late", "input": "mean.out", "output": "x"}),
        ["late", "features [N, 8]", "needed: a map"],
    ),
    (
        "sum of channels",
        put("sum", "inputs", ["body.out", "image"]),
        ["sum", "a map [N, 5, H, W]", "a map [N, 8, H, W]"],
    ),
    (
        "classifier of a map",
        put("fc", "input", "pool.out"),
        ["fc", "a map [N, 8, H, W]", "needed: features [N, 8]"],
    ),
    (
        "classifier's width",
        put("fc", "in_features", 9),
        ["fc", "features [N, 8]", "needed: features [N, 9]"],
    ),
    (
        "residual of nothing",
        put("tail", "residual", "nowhere"),
        ["tail", "nowhere", "does not exist"],
    ),
    ("residual of itself", put("tail", "residual", "tail.out"), ["tail", "does not exist"]),
    (
        "residual of other channels",
        put("tail", "residual", "image"),
        ["tail", "'image'", "a map [N, 5, H, W]", "needed: a map [N, 8, H, W]"],
    ),
    (
        "residual of features",
        append_nodes(conv("late", "stem.out", (8, 8), residual="mean.out")),
        ["late", "features [N, 8]", "needed: a map"],
    ),
    ("no word of a residual", lambda p: p.node("stem").pop("residual"), ["stem", "residual"]),
    # How pictures become images.
    ("preprocessing no object", put_root("preprocessing", 224), ["preprocessing"]),
    ("unknown preprocessing", put_root("preprocessing", {**STATED, "crop": 1}), ["preprocessing"]),
    ("no size", put_root("preprocessing", {"mean": [0, 0, 0], "std": [1, 1, 1]}), ["image_px"]),
    ("size of 0", put_root("preprocessing", {**STATED, "image_px": 0}), ["image_px"]),
    ("two means", put_root("preprocessing", {**STATED, "mean": [0.5, 0.5]}), ["mean"]),
    ("a word of a mean", put_root("preprocessing", {**STATED, "mean": [0, "x", 0]}), ["mean"]),
    ("deviation of 0", put_root("preprocessing", {**STATED, "std": [1, 0, 1]}), ["std"]),
    # Tensors.
    ("NaN weight", put_element("stem.weight", "<f4", 3, np.nan), ["stem.weight"]),
    ("infinite bias", put_element("fc.bias", "<f4", 3, np.inf), ["fc.bias"]),
    ("NaN value", put_element("body.values", "<f4", 0, np.nan), ["body.values"]),
    ("unsorted columns", put_element(BODY, "<i4", 3, 0), [BODY, "ascending"]),
    (
        "double columns",
        lambda p: p.tensor(BODY, "<i4").__setitem__(1, p.tensor(BODY, "<i4")[0]),
        [BODY, "ascending"],
    ),
    ("negative column", put_element(BODY, "<i4", 0, -1), [BODY, "0 to 7"]),
    ("column beyond K", put_element(BODY, "<i4", 11, 8), [BODY, "0 to 7"]),
    ("unknown tensor", with_text("edit_header", '"fc.bias"', '"fc.extra"'), ["fc."]),
    ("type of weights", put_header("fc.weight", "dtype", "I32"), ["fc.weight"]),
    ("type of columns", put_header(BODY, "dtype", "F32"), [BODY]),
    ("half", put_header("fc.weight", "dtype", "F16"), ["damaged"]),
    ("shape", put_header("fc.weight", "shape", [8, 4]), ["fc.weight"]),
    ("overlap", misplace, ["damaged"]),
    ("gap at the end", lambda p: p.data.extend(b"\0\0\0\0"), ["damaged"]),
    ("truncated", lambda p: p.data.pop(), ["damaged"]),
    ("huge shape", put_header("fc.bias", "shape", [2**62, 2, 33, 29]), ["damaged"]),
    ("wrapping shape", put_header("fc.bias", "shape", [2**62, 4]), ["damaged"]),
    (
        "header key twice",
        with_text(
            "edit_header",
            '"fc.bias"',
            '"fc.bias": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}, "fc.bias"',
        ),
        ["damaged"],
    ),
    ("header no object", lambda p: setattr(p, "edit_header", lambda text: "[]"), ["damaged"]),
]
