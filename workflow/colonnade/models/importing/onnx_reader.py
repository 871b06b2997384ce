# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Reads a network from an ONNX file."""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.shape_inference import infer_shapes

from colonnade.common.errors import ColonnadeError, first_line
from colonnade.models.importing.onnx_operations import HANDLERS, SHAPING
from colonnade.models.importing.reading import MAX_FOLDED, UNKNOWN, Imported, Operation, Reading
from colonnade.models.importing.values import Constant, UnsupportedError
from colonnade.models.shapes import DEFAULT_PX

OLDEST = 7
FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)
# What the library's checker holds as a version.
MOST_VERSION = 2**31 - 1
# Elements of a constant that may say how large others are.
_SMALL = 1024


def read_onnx(path: Path, image_px: int | None = None, batch: int | None = None) -> Imported:
    """The network of an ONNX file, its constants folded; weights beside the file are read too.

    Sizes that the file leaves open are `batch` images (1 if not given) of `image_px` (224) pixels.

    Raises:
        ColonnadeError: a damaged file, or operations that cannot be imported, all of them named.
    """
    return import_onnx(_loaded(path), str(path), image_px, batch)


def import_onnx(
    model: ModelProto, where: str, image_px: int | None = None, batch: int | None = None
) -> Imported:
    """The network of a model in memory; `where` begins messages. See `read_onnx`."""
    opset = _opset(model, where)
    reading = Reading(where, HANDLERS, SHAPING)
    graph = model.graph
    initial = {each.name for each in graph.initializer}
    for tensor in graph.initializer:
        reading.known[tensor.name] = Constant(_array(tensor, where), tensor.name)
    if graph.sparse_initializer:
        raise ColonnadeError(f"{where}: sparse initializers; allowed: dense ones")
    for each in graph.input:
        if each.name in initial:
            continue
        try:
            shape = _shape_of(each, image_px, batch)
            given = each.type.tensor_type.shape.dim[2:]
            if all(size.dim_value for size in given):
                reading.net.is_static = True
            elif image_px is None:
                reading.net.is_open = reading.varies = True
            reading.known[each.name] = reading.net.input(each.name, shape)
        except UnsupportedError as error:
            reading.refused.append(str(error))
            reading.known[each.name] = None
    for index, node in enumerate(graph.node):
        _run(reading, node, index, opset, model)
    names = [each.name for each in graph.output]
    if not names:
        reading.refused.append("no outputs; needed: one or more")
    for kind, listed in (("input", [each.name for each in graph.input]), ("output", names)):
        reading.refused += [
            f"{kind} {name!r}: {count} times; allowed: once"
            for name, count in Counter(listed).items()
            if count > 1
        ]
    return reading.finished(names)


def _loaded(path: Path) -> ModelProto:
    if path.is_dir():
        raise ColonnadeError(f"{path}: a folder; needed: an ONNX file")
    try:
        return onnx.load(path)
    except FileNotFoundError as error:
        if not path.exists():
            raise ColonnadeError(f"{path}: no such file") from error
        raise ColonnadeError(f"{path}: the file of its weights is missing: {error}") from error
    # The library raises whatever a damaged file, or its reference to data beside it, provokes.
    except Exception as error:
        raise ColonnadeError(f"{path}: cannot be read: {first_line(error)}") from error


def _opset(model: ModelProto, where: str) -> int:
    versions = {each.domain: each.version for each in model.opset_import}
    if not versions and not model.graph.node:
        raise ColonnadeError(f"{where}: empty, or no ONNX model")
    newest = onnx.defs.onnx_opset_version()
    version = versions.get("", versions.get("ai.onnx", 0))
    if not OLDEST <= version <= newest:
        raise ColonnadeError(f"{where}: opset {version}; allowed: {OLDEST} to {newest}")
    numbers = {"ir_version": model.ir_version}
    numbers |= {f"opset of {domain!r}": number for domain, number in versions.items()}
    for key, number in numbers.items():
        if not 0 <= number <= MOST_VERSION:
            raise ColonnadeError(f"{where}: {key}: {number}; allowed: 0 to {MOST_VERSION}")
    return int(version)


def _array(tensor: TensorProto, where: str) -> Any:
    if tensor.data_type not in TensorProto.DataType.values():
        raise ColonnadeError(
            f"{where}: tensor {tensor.name!r}: data_type: {tensor.data_type}; allowed: a type of ONNX"
        )
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError) as error:
        raise ColonnadeError(f"{where}: tensor {tensor.name!r}: damaged: {error}") from error


def _shape_of(given: Any, image_px: int | None, batch: int | None) -> list[int]:
    """An input's sizes; what the file leaves open, or the caller wants otherwise, is filled in."""
    kind = given.type.tensor_type.elem_type
    if kind not in FLOATS:
        allowed = ", ".join(map(_type_name, FLOATS))
        raise UnsupportedError(f"input {given.name!r} is {_type_name(kind)}; allowed: {allowed}")
    sizes = [each.dim_value or None for each in given.type.tensor_type.shape.dim]
    if any(each is not None and each < 0 for each in sizes):
        raise UnsupportedError(
            f"input {given.name!r} is {[each or '?' for each in sizes]}; allowed: sizes from 1 on, or"
            " open ones"
        )
    if len(sizes) not in (2, 4) or sizes[1] is None:
        raise UnsupportedError(
            f"input {given.name!r} is {[each or '?' for each in sizes]}; needed: [N, C, H, W] or"
            " [N, C], with a number of channels"
        )
    wanted = (batch, None, image_px, image_px)
    otherwise = (1, 1, DEFAULT_PX, DEFAULT_PX)
    return [
        int(want or size or other)
        for want, size, other in zip(wanted, sizes, otherwise, strict=False)
    ]


def _type_name(kind: int) -> str:
    known = kind in TensorProto.DataType.values()
    return TensorProto.DataType.Name(kind) if known else f"of type {kind}"


def _run(reading: Reading, node: NodeProto, index: int, opset: int, model: ModelProto) -> None:
    name = node.name or next((each for each in node.output if each), f"node {index}")
    inputs = [reading.known.get(each) if each else None for each in node.input]
    missing = [each for each in node.input if each and each not in reading.known]
    kind = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
    referring = [each.name for each in node.attribute if each.ref_attr_name]
    attributes = {
        each.name: _attribute(each) for each in node.attribute if each.name not in referring
    }
    operation = Operation(kind, name, inputs, attributes, list(node.output), opset)
    if referring:
        reading.refuse(operation, f"attribute {referring[0]!r} is a function's; allowed: a value")
        return
    if missing:
        reading.refuse(operation, f"input {missing[0]!r} does not exist")
        return
    other = next((each for each in node.input if each in reading.others), None)
    if other is not None:
        made = reading.others[other]
        reading.refuse(operation, f"input {other!r} is another output of {made} than its first")
        return
    try:
        onnx.checker.check_node(node, _context(model))
    except onnx.checker.ValidationError as error:
        reading.refuse(operation, f"not valid: {first_line(error)}")
        return
    given = [value for each, value in zip(node.input, inputs, strict=True) if each]
    if kind == "Constant" or (given and all(isinstance(each, Constant) for each in given)):
        _fold(reading, operation, node, model)
    elif None not in given:
        reading.run(operation)
    else:
        # What it reads was refused already; whether it is known at all, is told now.
        if kind not in HANDLERS:
            reading.refuse(operation, UNKNOWN)
        reading.known |= dict.fromkeys(node.output)


def _context(model: ModelProto) -> onnx.checker.C.CheckerContext:
    context = onnx.checker.C.CheckerContext()
    context.ir_version = model.ir_version
    context.opset_imports = {each.domain: each.version for each in model.opset_import}
    return context


def _attribute(attribute: Any) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value


def _fold(reading: Reading, operation: Operation, node: NodeProto, model: ModelProto) -> None:
    """Compute what constants alone decide."""
    named = dict(zip(node.input, operation.inputs, strict=True))
    constants = {name: value for name, value in named.items() if isinstance(value, Constant)}
    try:
        _check_size(operation, node, constants, model)
        graph = helper.make_graph(
            [node],
            "constant",
            [helper.make_tensor_value_info(name, 0, None) for name in constants],
            [helper.make_tensor_value_info(name, 0, None) for name in node.output if name],
        )
        single = helper.make_model(graph, opset_imports=model.opset_import)
        feeds = {name: value.values for name, value in constants.items()}
        results = ReferenceEvaluator(single).run(None, feeds)
    except UnsupportedError as error:
        reading.refuse(operation, str(error))
        return
    # The library raises whatever an operation and its constants provoke.
    except Exception as error:
        reading.refuse(operation, f"cannot be folded: {first_line(error)}")
        return
    sized = any(value.sized for value in constants.values())
    names = [name for name in node.output if name]
    for name, values in zip(names, results, strict=True):
        reading.known[name] = Constant(np.asarray(values), name, sized)


def _check_size(
    operation: Operation, node: NodeProto, constants: Mapping[str, Constant], model: ModelProto
) -> None:
    """Make sure that a few bytes do not become more than memory holds.

    Sizes are those that ONNX infers from the sizes of constants, and from the values of small ones.
    """
    if operation.kind in ("If", "Loop", "Scan"):
        raise UnsupportedError(UNKNOWN)
    arrays = {name: np.asarray(value.values) for name, value in constants.items()}
    graph = helper.make_graph(
        [node],
        "sizes",
        [
            helper.make_tensor_value_info(name, _element_type(each), each.shape)
            for name, each in arrays.items()
        ],
        [],
        [
            numpy_helper.from_array(each, name)
            for name, each in arrays.items()
            if each.size <= _SMALL and each.dtype.kind in "fiu"
        ],
    )
    single = helper.make_model(graph, opset_imports=model.opset_import)
    for made in infer_shapes(single, data_prop=True).graph.value_info:
        count = math.prod(each.dim_value for each in made.type.tensor_type.shape.dim)
        if count > MAX_FOLDED:
            raise UnsupportedError(f"{count} elements; allowed: {MAX_FOLDED}")


def _element_type(values: np.ndarray[Any, Any]) -> int:
    """That of a tensor, or 0 where ONNX has none of that name."""
    try:
        return int(helper.np_dtype_to_tensor_dtype(values.dtype))
    except (KeyError, ValueError):
        return 0
