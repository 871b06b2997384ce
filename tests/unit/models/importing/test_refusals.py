# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Files that cannot be imported are refused by what is wrong with them; nothing in them is executed."""

import io
import json
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from colonnade.common.errors import ColonnadeError
from colonnade.models.importing.onnx_reader import import_onnx, read_onnx
from colonnade.models.importing.torch_reader import import_module, read_pt2
from colonnade.models.layers import Unary

from .computing import assert_equal, outputs

SIZES = (1, 3, 8, 8)


def _weight(dtype: Any = np.float32) -> Any:
    return np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(dtype)


def _model(
    nodes: list[onnx.NodeProto], weights: dict[str, Any], opset: int = 17, outputs: str = "y"
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SIZES)],
        [helper.make_tensor_value_info(each, TensorProto.FLOAT, None) for each in outputs.split()],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _conv(output: str = "y") -> onnx.NodeProto:
    return helper.make_node("Conv", ["x", "w"], [output], name="first")


def test_an_input_that_is_there_twice_is_refused() -> None:
    model = _model([_conv()], {"w": _weight()})
    model.graph.input.append(model.graph.input[0])
    with pytest.raises(ColonnadeError, match="input 'x': 2 times; allowed: once"):
        import_onnx(model, "net.onnx")


@pytest.mark.parametrize("place", range(4))
def test_sizes_below_one_are_refused(place: int) -> None:
    model = _model([_conv()], {"w": _weight()})
    model.graph.input[0].type.tensor_type.shape.dim[place].dim_value = -2
    with pytest.raises(ColonnadeError, match=r"input 'x' is \[.*-2.*\]; allowed: sizes from 1 on"):
        import_onnx(model, "net.onnx")


def test_all_that_is_not_supported_is_named_at_once() -> None:
    nodes = [
        _conv("a"),
        helper.make_node("Asin", ["a"], ["b"], name="odd"),
        helper.make_node("Det", ["b"], ["c"], name="behind it"),
        helper.make_node("ConvTranspose", ["a", "w"], ["y"], name="up"),
        helper.make_node("Relu", ["c"], ["z"], name="fine"),
    ]
    with pytest.raises(ColonnadeError) as refused:
        import_onnx(_model(nodes, {"w": _weight()}), "net.onnx")
    message = str(refused.value)
    assert message.startswith("net.onnx: 3 cannot be imported: Asin 'odd': not supported")
    for words in ("Det 'behind it'", "ConvTranspose 'up'", "supported: Abs, Add, AveragePool"):
        assert words in message
    assert "fine" not in message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused_by_name(value: float) -> None:
    weight = _weight()
    weight[1, 2, 0, 0] = value
    with pytest.raises(ColonnadeError, match="tensor 'w' holds a number that is not finite"):
        import_onnx(_model([_conv()], {"w": weight}), "net.onnx")


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64], ids=str)
def test_weights_of_other_types_are_widened(dtype: Any) -> None:
    imported = import_onnx(_model([_conv()], {"w": _weight(dtype)}), "net.onnx")
    assert np.array_equal(imported.state["first.weight"], _weight(dtype).astype(np.float32))
    assert imported.state["first.weight"].dtype == np.float32


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 4, 1, 1)], ids=str)
@pytest.mark.parametrize("of_features", [False, True], ids=["of a map", "of features"])
def test_a_bias_of_another_shape_is_refused(shape: tuple[int, ...], of_features: bool) -> None:
    before = [helper.make_node("GlobalAveragePool", ["x"], ["g"])] if of_features else []
    convolution = helper.make_node(
        "Conv", [before[0].output[0] if before else "x", "w", "b"], ["y"]
    )
    weights = {"w": _weight()[..., :1, :1], "b": np.zeros(shape, np.float32)}
    with pytest.raises(
        ColonnadeError, match=rf"bias 'b' {re.escape(str(list(shape)))}; needed: \[4\]"
    ):
        import_onnx(_model([*before, convolution], weights), "net.onnx")


def _first_tensor(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_type = 99


def _input_type(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = 99


def _reference(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.extend([helper.make_attribute("strides", [1, 1])])
    model.graph.node[0].attribute[0].ref_attr_name = "of_a_function"


def _ir_version(model: onnx.ModelProto) -> None:
    model.ir_version = 1 << 40


def _other_opset(model: onnx.ModelProto) -> None:
    model.opset_import.extend([helper.make_opsetid("own", 1 << 40)])


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (_first_tensor, "tensor 'w': data_type: 99; allowed: a type of ONNX"),
        (_input_type, "input 'x' is of type 99; allowed: FLOAT, FLOAT16, DOUBLE, BFLOAT16"),
        (_reference, "Conv 'first': attribute 'strides' is a function's; allowed: a value"),
        (_ir_version, r"ir_version: 1099511627776; allowed: 0 to 2147483647"),
        (_other_opset, r"opset of 'own': 1099511627776; allowed: 0 to 2147483647"),
    ],
)
def test_numbers_that_onnx_does_not_have_are_refused(
    tmp_path: Path, edit: Callable[[onnx.ModelProto], None], words: str
) -> None:
    path, model = tmp_path / "net.onnx", _model([_conv()], {"w": _weight()})
    edit(model)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ColonnadeError, match=rf"net\.onnx: .*{words}"):
        read_onnx(path)


def test_weights_beside_the_file_are_read_and_missed_by_name(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    model = _model([_conv()], {"w": _weight()})
    onnx.save(model, path, save_as_external_data=True, location="net.data", size_threshold=0)
    assert (tmp_path / "net.data").stat().st_size >= 432
    assert np.array_equal(read_onnx(path).state["first.weight"], _weight())
    (tmp_path / "net.data").unlink()
    with pytest.raises(ColonnadeError, match=r"net\.onnx: .*net\.data"):
        read_onnx(path)


@pytest.mark.parametrize(
    ("names", "words"),
    [([], "no outputs; needed: one or more"), (["y", "y"], "output 'y': 2 times; allowed: once")],
)
def test_outputs_are_each_one_and_there_are_some(names: list[str], words: str) -> None:
    model = _model([_conv()], {"w": _weight()})
    outputs = {each.name: each for each in model.graph.output}
    del model.graph.output[:]
    model.graph.output.extend(outputs[name] for name in names)
    with pytest.raises(ColonnadeError, match=words):
        import_onnx(model, "net.onnx")


@pytest.mark.parametrize("opset", [6, 1000])
def test_other_opsets_are_refused(opset: int) -> None:
    with pytest.raises(ColonnadeError, match=rf"opset {opset}; allowed: 7 to \d+"):
        import_onnx(_model([_conv()], {"w": _weight()}, opset), "net.onnx")


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([helper.make_node("Conv", ["x", "gone"], ["y"])], "input 'gone' does not exist"),
        ([helper.make_node("MaxPool", ["x"], ["y"], name="p")], "MaxPool 'p': not valid: "),
        (
            [helper.make_node("MaxPool", ["x"], ["y"], name="p", kernel_shape=[9, 9])],
            r"MaxPool 'p': node 'p': .*needed: at least 9",
        ),
        (
            [helper.make_node("MaxPool", ["x"], ["y"], name="p", kernel_shape=[2, 2], strides=[1])],
            "MaxPool 'p': ",
        ),
        (
            [helper.make_node("MaxPool", ["x"], ["a", "y"], name="p", kernel_shape=[2, 2])],
            "output 'y': no tensor that the network computes",
        ),
        (
            [
                helper.make_node("ConstantOfShape", ["huge"], ["a"], name="c"),
                helper.make_node("Add", ["x", "a"], ["y"]),
            ],
            r"ConstantOfShape 'c': \d+ elements; allowed",
        ),
        (
            [
                helper.make_node("Range", ["first", "last", "step"], ["a"], name="c"),
                helper.make_node("Add", ["x", "a"], ["y"]),
            ],
            r"Range 'c': 1099511627776 elements; allowed",
        ),
        (
            [
                helper.make_node("Add", ["row", "column"], ["a"], name="c"),
                helper.make_node("Add", ["x", "a"], ["y"]),
            ],
            r"Add 'c': 10000000000 elements; allowed",
        ),
    ],
)
def test_nodes_that_do_not_fit_are_refused(nodes: list[onnx.NodeProto], words: str) -> None:
    weights = {"w": _weight(), "huge": np.array([1 << 20, 1 << 20])}
    weights |= {"first": np.array(0), "last": np.array(1 << 40), "step": np.array(1)}
    weights |= {"row": np.zeros((1, 10**5), np.float32), "column": np.zeros((10**5, 1), np.float32)}
    with pytest.raises(ColonnadeError, match=words):
        import_onnx(_model(nodes, weights), "net.onnx")


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(_model([_conv()], {"w": _weight()}), path)
    content = path.read_bytes()
    rng = np.random.default_rng(3)
    for cut in rng.integers(1, len(content), 40):
        damaged = bytearray(content[:cut] if cut % 2 else content)
        damaged[cut // 2] ^= 0x55
        path.write_bytes(damaged)
        try:
            read_onnx(path)
        except ColonnadeError as error:
            assert "net.onnx" in str(error)
    with pytest.raises(ColonnadeError, match=r"gone\.onnx"):
        read_onnx(tmp_path / "gone.onnx")


@pytest.mark.parametrize("content", [b"", b"\x08\x01"], ids=["nothing", "no nodes"])
def test_files_without_a_network_say_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(ColonnadeError, match=r"net\.onnx: empty, or no ONNX model$"):
        read_onnx(path)
    with pytest.raises(ColonnadeError, match=r": a folder; needed: an ONNX file$"):
        read_onnx(tmp_path)


def test_what_is_supported_is_listed_where_an_operation_is_not() -> None:
    nodes = [helper.make_node("MaxPool", ["x"], ["y"], name="p", kernel_shape=[9, 9])]
    with pytest.raises(ColonnadeError) as refused:
        import_onnx(_model(nodes, {}), "net.onnx")
    assert "; supported: " not in str(refused.value)


class _Gated(nn.Module):
    """Activations as exporters of older opsets write them apart."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.conv(x)
        b = a * (a + 3).clamp(0, 6) / 6
        c = b * ((b + 3).clamp(0, 6) / 6)
        return c * c.sigmoid()


def test_functions_that_exporters_write_apart_are_one_node() -> None:
    module, image = _Gated(), torch.randn(2, 3, 9, 9)
    imported = import_module(module, [image])
    functions = [node.function for node in imported.graph.nodes if isinstance(node, Unary)]
    assert functions == ["hard_swish", "hard_swish", "silu"]
    assert len(imported.graph.nodes) == 4
    with torch.no_grad():
        assert_equal(outputs(imported, [image.numpy()]), [module(image).numpy()], 1e-5)


class _Exact(nn.Module):
    """GELU and Mish as exporters write them apart, and what only looks like them."""

    def forward(self, x: torch.Tensor) -> Any:
        a = x * (1 + torch.erf(x / 2**0.5)) * 0.5
        b = a * 0.5 * (torch.erf(a / 2**0.5) + 1)
        c = (0.5 + torch.erf(b * 0.5**0.5) * 0.5) * b
        d = c * torch.tanh(nn.functional.softplus(c))
        return d, x * torch.tanh(nn.functional.softplus(c)), 0.5 * x * (1 + torch.erf(x / 2))


def test_gelu_and_mish_that_exporters_write_apart_are_one_node() -> None:
    module, image = _Exact(), torch.randn(2, 3, 5, 5)
    imported = import_module(module, [image])
    functions = [node.function for node in imported.graph.nodes if isinstance(node, Unary)]
    assert functions == ["gelu", "gelu", "gelu", "mish", "softplus", "tanh", "erf"]
    expected = [each.numpy() for each in module(image)]
    assert_equal(outputs(imported, [image.numpy()]), expected, 1e-5)


# Programs of torch.export.


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "net.pt2"
    exported = torch.export.export(_Gated().eval(), (torch.randn(2, 3, 9, 9),))
    torch.export.save(exported, path)
    return path


def _edited(path: Path, edit: Callable[[str, bytes], bytes], *more: tuple[str, bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = [(each.filename, archive.read(each)) for each in archive.infolist()]
    root = entries[0][0].partition("/")[0]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries:
            archive.writestr(name, edit(name, content))
        for name, content in more:
            archive.writestr(f"{root}/{name}", content)


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def _bomb(path: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save({"x": _Bomb(path)}, buffer)
    return buffer.getvalue()


def test_a_program_is_read(program: Path) -> None:
    assert len(read_pt2(program).graph.nodes) == 4


def test_pickles_in_a_program_are_never_executed(program: Path, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    bomb = _bomb(mark)
    torch.load(io.BytesIO(bomb), weights_only=False)
    assert mark.exists()
    mark.unlink()
    cases = 0

    def with_sample(name: str, content: bytes) -> bytes:
        nonlocal cases
        if "sample_inputs" not in name:
            return content
        cases += 1
        return bomb

    _edited(program, with_sample)
    with pytest.raises(ColonnadeError, match=r"net\.pt2: damaged, or more than tensors"):
        read_pt2(program)
    assert cases == 1
    assert not mark.exists()


def test_pickled_weights_of_a_program_are_never_executed(program: Path, tmp_path: Path) -> None:
    mark = tmp_path / "executed"

    def edit(name: str, content: bytes) -> bytes:
        if name.endswith("weights_config.json"):
            return content.replace(b'"use_pickle": false', b'"use_pickle": true')
        return _bomb(mark) if "/weight_" in name else content

    _edited(program, edit)
    with pytest.raises(ColonnadeError, match=r"net\.pt2: damaged, or more than tensors"):
        read_pt2(program)
    assert not mark.exists()


def test_other_files_of_torch_are_told_as_what_they_are(tmp_path: Path) -> None:
    module, path = nn.Conv2d(3, 4, 3), tmp_path / "net.pt2"
    torch.jit.trace(module, torch.zeros(1, 3, 8, 8)).save(path)
    with pytest.raises(
        ColonnadeError, match=r"net\.pt2: a file of torch\.jit\.save; needed: one of"
    ):
        read_pt2(path)
    torch.save(module.state_dict(), path)
    with pytest.raises(ColonnadeError, match=r"net\.pt2: a file of torch\.save; needed: one of"):
        read_pt2(path)


def test_a_program_in_train_mode_is_one_mistake(tmp_path: Path) -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)
    )
    program = torch.export.export(module.train(), (torch.zeros(2, 3, 8, 8),))
    torch.export.save(program, tmp_path / "net.pt2")
    with pytest.raises(ColonnadeError) as caught:
        read_pt2(tmp_path / "net.pt2")
    assert "export behind .eval()" in str(caught.value)
    assert "of constants alone" not in str(caught.value)


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match=r"net\.onnx: no such file$"):
        read_onnx(tmp_path / "net.onnx")


def test_objects_in_a_program_are_refused(program: Path, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    content = pickle.dumps(_Bomb(mark))
    _edited(program, lambda _, each: each, ("data/constants/opaque_obj_0", content))
    with pytest.raises(ColonnadeError, match="opaque_obj_0: more than tensors: refused"):
        read_pt2(program)
    assert not mark.exists()


def _edited_graph(path: Path, edit: Callable[[bytes], bytes]) -> None:
    _edited(path, lambda name, each: edit(each) if name.endswith("model.json") else each)


def _touching(mark: Path) -> str:
    """Code that leaves a mark where it runs."""
    return f"__import__('pathlib').Path('{mark}').touch()"


def test_expressions_in_a_program_are_refused(program: Path, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    expression = json.dumps({"as_expr": {"expr_str": _touching(mark)}}).encode()
    _edited_graph(program, lambda each: each.replace(b'{"as_int": 9}', expression))
    with pytest.raises(ColonnadeError, match=r"expression .__import__.*: refused"):
        read_pt2(program)
    assert not mark.exists()


def test_conditions_of_a_program_are_not_executed(program: Path, tmp_path: Path) -> None:
    """Programs of varying sizes have them; what they compute is told by their nodes alone."""
    mark = tmp_path / "executed"

    def edit(content: bytes) -> bytes:
        document = json.loads(content)
        assert document["guards_code"] == []
        return json.dumps({**document, "guards_code": [_touching(mark)]}).encode()

    _edited_graph(program, edit)
    assert len(read_pt2(program).graph.nodes) == 4
    assert not mark.exists()


def test_other_files_are_no_programs(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(b"PK no archive")
    with pytest.raises(ColonnadeError, match=r"net\.pt2: damaged: no program"):
        read_pt2(path)


def _with_entry(path: Path, compression: int, edit: Callable[[bytearray, int, int], None]) -> None:
    """Write a file with one entry, and edit it: where that entry begins, and its line in the index."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("net/model.json", json.dumps(list(range(1000))))
    content = bytearray(path.read_bytes())
    edit(content, content.index(b"PK\3\4"), content.index(b"PK\1\2"))
    path.write_bytes(content)


def _damage(content: bytearray, entry: int, _index: int) -> None:
    data = entry + 30 + len("net/model.json")
    # Behind the nine bytes in which LZMA has its settings.
    content[data + 9 : data + 40] = b"\xff" * 31


def _encrypt(content: bytearray, entry: int, index: int) -> None:
    content[entry + 6] |= 1
    content[index + 8] |= 1


def _compress_otherwise(content: bytearray, entry: int, index: int) -> None:
    content[entry + 8] = content[index + 10] = 97


@pytest.mark.parametrize(
    ("compression", "edit"),
    [
        (zipfile.ZIP_DEFLATED, _damage),
        (zipfile.ZIP_BZIP2, _damage),
        (zipfile.ZIP_LZMA, _damage),
        (zipfile.ZIP_STORED, _encrypt),
        (zipfile.ZIP_STORED, _compress_otherwise),
    ],
)
def test_archives_that_cannot_be_unpacked_are_no_programs(
    tmp_path: Path, compression: int, edit: Callable[[bytearray, int, int], None]
) -> None:
    path = tmp_path / "net.pt2"
    _with_entry(path, compression, edit)
    with pytest.raises(ColonnadeError, match=r"net\.pt2: damaged: no program of torch\.export$"):
        read_pt2(path)


def test_modules_that_cannot_be_traced_say_so() -> None:
    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 2 if x.sum().item() > 0 else x

    with pytest.raises(ColonnadeError, match=r"module: torch\.export cannot trace it"):
        import_module(Odd(), [torch.randn(1, 3, 4, 4)])


class _Turned(nn.Module):
    """Reads elements of a map in another order than a map has, as its output or as a map's factors."""

    def __init__(self, *, factors: bool) -> None:
        super().__init__()
        self.wide = nn.Conv2d(3, 16, 1)
        self.small = nn.Conv2d(3, 4, 1, stride=4)
        self.factors = factors

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        turned = self.small(x).permute(0, 2, 3, 1)
        return self.wide(x) * turned.reshape(1, 16, 1, 1) if self.factors else turned.flatten(1)


@pytest.mark.parametrize("factors", [False, True], ids=["output", "factors"])
def test_features_in_another_order_are_refused_and_not_taken_in_their_own(factors: bool) -> None:
    with pytest.raises(ColonnadeError, match="features in another order than their map's"):
        import_module(_Turned(factors=factors), [torch.zeros(SIZES)])
