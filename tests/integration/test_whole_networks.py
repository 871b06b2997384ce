# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The nine whole networks that the `onnx` package ships, against their outputs and onnxruntime."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, numpy_helper

from colonnade.models.fusion import fused
from colonnade.models.importing.onnx_reader import import_onnx, read_onnx
from colonnade.models.layers import Affine, BatchNorm
from tests.unit.models.importing.computing import Array, assert_equal, outputs

FOLDER = Path(onnx.__file__).parent / "backend/test/data/light"
# Convolutions of each, of which pruning removes columns.
CONVOLUTIONS = {
    "light_bvlc_alexnet": 5,
    "light_densenet121": 120,
    "light_inception_v1": 57,
    "light_inception_v2": 69,
    "light_resnet50": 53,
    "light_shufflenet": 49,
    "light_squeezenet": 26,
    "light_vgg19": 16,
    "light_zfnet512": 5,
}


def shipped_image(model: ModelProto) -> tuple[str, Array]:
    """The image that the package's own test feeds: 0 to 1, pixel after pixel."""
    known = {each.name for each in model.graph.initializer}
    (given,) = (each for each in model.graph.input if each.name not in known)
    sizes = [each.dim_value for each in given.type.tensor_type.shape.dim]
    count = int(np.prod(sizes))
    return given.name, (np.arange(count, dtype=np.float32) / count).reshape(sizes)


def with_random_weights(model: ModelProto, seed: int) -> ModelProto:
    """The same network; its weights, all equal there, drawn at random."""
    rng = np.random.default_rng(seed)
    made = ModelProto()
    made.CopyFrom(model)
    del made.graph.node[:]
    variances = {each.input[4] for each in model.graph.node if each.op_type == "BatchNormalization"}
    shapes = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "ConstantOfShape":
            made.graph.node.append(node)
            continue
        shape = shapes[node.input[0]]
        spread = np.sqrt(2 / max(1, np.prod(shape[1:]))) if len(shape) > 1 else 0.1
        values = rng.standard_normal(shape, np.float32) * np.float32(spread)
        if node.output[0] in variances:
            values = rng.uniform(0.5, 1.5, shape)
        elif len(shape) == 1:
            values += 0.5
        stored = values.astype(np.float32, copy=False)
        made.graph.initializer.append(numpy_helper.from_array(stored, node.output[0]))
    return made


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_outputs_are_the_expected_ones_and_those_of_onnxruntime(name: str) -> None:
    path = FOLDER / f"{name}.onnx"
    imported = read_onnx(path)
    executed = fused(imported.graph)
    assert len(executed.convs) == CONVOLUTIONS[name]
    assert not [node for node in executed.nodes if isinstance(node, BatchNorm)]
    model = onnx.load(path)
    given, image = shipped_image(model)
    expected = numpy_helper.to_array(onnx.load_tensor(str(FOLDER / f"{name}_output_0.pb")))
    assert_equal(outputs(imported, [image]), [expected], 1e-4)

    varied = with_random_weights(model, seed=1)
    session = onnxruntime.InferenceSession(varied.SerializeToString())
    (computed,) = session.run(None, {given: image})
    # The outputs differ from each other, unlike the expected ones of some.
    assert np.ptp(computed) > 1e-3 * np.abs(computed).max()
    assert_equal(outputs(import_onnx(varied, name), [image]), [computed], 1e-4)


def test_every_batch_norm_of_densenet_is_one_affine_node_or_part_of_a_convolution() -> None:
    graph = fused(read_onnx(FOLDER / "light_densenet121.onnx").graph)
    assert sum(isinstance(node, Affine) for node in graph.nodes) == 62
    assert sum(conv.batch_norm is not None for conv in graph.convs) == 59


def test_another_size_and_batch_than_the_file_says() -> None:
    path = FOLDER / "light_squeezenet.onnx"
    imported = read_onnx(path, image_px=128, batch=3)
    image = np.random.default_rng(2).uniform(0, 1, (3, 3, 128, 128)).astype(np.float32)
    (made,) = outputs(imported, [image])
    assert made.shape == (3, 1000)
    # Only the size that it knows is another.
    own = read_onnx(path).graph
    assert [each.size for each in (*imported.graph.inputs, *own.inputs)] == [(128, 128), (224, 224)]
    assert replace(imported.graph, inputs=own.inputs) == own


def test_all_nine_are_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.onnx")} == set(CONVOLUTIONS)
