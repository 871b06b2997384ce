# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The node tests of the `onnx` package whose operations are all supported."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase

from colonnade.models.importing.onnx_operations import HANDLERS
from colonnade.models.importing.onnx_reader import OLDEST

from .computing import Array

# These compute every element by itself: tensors of any rank are planes.
ELEMENT_WISE = {
    *("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Clip", "HardSigmoid", "HardSwish"),
    *("LeakyRelu", "Relu", "Sigmoid", "Swish", "Tanh", "Identity", "Dropout", "Cast"),
    *("Abs", "Celu", "Elu", "Erf", "Exp", "Gelu", "Mish", "Pow", "Selu", "Softplus"),
}
DATA = {*("Add", "Sub", "Mul", "Max", "Min", "Sum", "Concat")}
# Its expected values are written with four digits.
ROUNDED = {"test_averagepool_2d_ceil_last_window_starts_on_pad": 2e-4}


@dataclass(frozen=True)
class NodeCase:
    """A model whose weights are constants, its data, what it should make of them, and how exactly."""

    name: str
    kinds: frozenset[str]
    model: ModelProto
    data: list[Array]
    expected: list[Array]
    tolerance: float


@functools.cache
def node_cases() -> list[NodeCase]:
    """All of them, in the order of the package."""
    return [
        _bound(case, kinds)
        for case in collect_testcases(None)
        if (kinds := frozenset(node.op_type for node in case.model.graph.node)) <= set(HANDLERS)
        and any(each.version >= OLDEST for each in case.model.opset_import if not each.domain)
    ]


def _array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def _bound(case: TestCase, kinds: frozenset[str]) -> NodeCase:
    given, expected = ([_array(each) for each in of] for of in case.data_sets[0])
    model = ModelProto()
    model.CopyFrom(case.model)
    data = []
    for index, (each, values) in enumerate(zip(list(model.graph.input), given, strict=False)):
        if index == 0 or kinds <= DATA:
            if (
                kinds <= ELEMENT_WISE
                and isinstance(values, np.ndarray)
                and values.ndim not in (2, 4)
            ):
                shape = (1, *values.shape, *[1] * (3 - values.ndim)) if values.ndim < 4 else None
                if shape is not None:
                    values = values.reshape(shape)  # noqa: PLW2901
                    kind = each.type.tensor_type.elem_type
                    each.CopyFrom(onnx.helper.make_tensor_value_info(each.name, kind, shape))
            data.append(values)
        elif isinstance(values, np.ndarray | np.generic):
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(values), each.name))
            model.graph.input.remove(each)
    return NodeCase(case.name, kinds, model, data, expected, _tolerance(case.name, expected))


def _tolerance(name: str, expected: list[Any]) -> float:
    # A network computes in float32 what the case rounds to 16 bits.
    short = any(isinstance(each, np.ndarray) and each.dtype.itemsize < 4 for each in expected)
    return 1e-2 if short else ROUNDED.get(name, 1e-4)
