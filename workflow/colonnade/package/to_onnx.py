# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A checkpoint for other people's tools: an ONNX file, pruned weights as zeros."""

from pathlib import Path

from onnx import TensorProto, ValueInfoProto, checker, helper

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import atomic_path, check_distinct
from colonnade.models.graph import Input
from colonnade.models.module import Network
from colonnade.models.shapes import FeatureShape, TensorShape
from colonnade.package.onnx_nodes import OPSET, Writer
from colonnade.training.checkpoint import read_checkpoint

SUFFIX = ".onnx"


def write_onnx(checkpoint: Path, output: Path) -> None:
    """Write the network of a checkpoint, its parameters under the names that PyTorch has for them.

    Raises:
        ColonnadeError: damaged checkpoint, a layer that ONNX does not have, or a file that cannot be
            written.
    """
    if output.suffix != SUFFIX:
        raise ColonnadeError(f"{output}: unknown kind of file; allowed: {SUFFIX}")
    check_distinct(output, checkpoint)
    source = read_checkpoint(checkpoint)
    try:
        content = to_onnx(source.model(), source.info.model)
    except ValueError as error:
        raise ColonnadeError(f"{checkpoint}: {error}") from error
    with atomic_path(output) as temporary:
        temporary.write_bytes(content)


def to_onnx(network: Network, name: str) -> bytes:
    """A network as an ONNX model, for any number of images, and of any size that the network takes.

    Raises:
        ValueError: a layer that ONNX does not have, or more than the two gigabytes that a file holds.
    """
    graph = network.graph
    shapes = graph.shapes_of_any_size()
    writer = Writer(network.state_dict(), shapes)
    planes = {each.name: writer.planes(each.name) for each in graph.inputs if each.size == ()}
    for node in graph.nodes:
        writer.write(node.renamed(planes))
    model = helper.make_model(
        helper.make_graph(
            writer.nodes,
            name,
            [_input(each) for each in graph.inputs],
            [_described(each, shapes[each]) for each in graph.outputs],
            writer.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="colonnade",
        ir_version=10,
    )
    checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _input(each: Input) -> ValueInfoProto:
    """Its height and width have names of their own, by which an engine can be told their sizes.

    Fixed ones are numbers. What was imported as features [N, C] is that again.
    """
    sizes: tuple[str | int, ...] = ("N", each.channels, f"{each.name}_height", f"{each.name}_width")
    if each.size == ():
        sizes = sizes[:2]
    elif each.fixed and each.size is not None:
        sizes = ("N", each.channels, *each.size)
    return helper.make_tensor_value_info(each.name, TensorProto.FLOAT, sizes)


def _described(name: str, shape: TensorShape) -> ValueInfoProto:
    sizes = ("N", shape.c) if isinstance(shape, FeatureShape) else ("N", shape.c, None, None)
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)
