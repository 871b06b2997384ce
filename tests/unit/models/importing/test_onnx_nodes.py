# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The node tests of the `onnx` package: each operation that is supported, computed or refused."""

import re
from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase as Case

from colonnade.common.errors import ColonnadeError
from colonnade.models.importing.onnx_operations import HANDLERS
from colonnade.models.importing.onnx_reader import OLDEST, import_onnx

from .computing import Array, assert_equal, outputs

# These compute every element by itself: tensors of any rank are planes.
ELEMENT_WISE = {
    *("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Clip", "HardSigmoid", "HardSwish"),
    *("LeakyRelu", "Relu", "Sigmoid", "Swish", "Tanh", "Identity", "Dropout", "Cast"),
}
DATA = {*("Add", "Sub", "Mul", "Max", "Min", "Sum", "Concat")}
# Its expected values are written with four digits.
ROUNDED = {"test_averagepool_2d_ceil_last_window_starts_on_pad": 2e-4}
# Whose own cases all have other ranks or modes; test_round_trips and test_whole_networks have them.
OF_OTHER_RANKS = {
    *("Div", "PRelu", "Pad", "ReduceMax", "ReduceMean", "Reshape", "Shape", "Squeeze"),
    *("Transpose", "Unsqueeze"),
}
# Why a case is refused: what the vocabulary of nodes does not have.
REASONS = {
    "another rank": r"is \[[^]]*\]; needed: \[N, C, H, W\] or \[N, C\]",
    "no floating-point numbers": r"is U?INT\d+|is BOOL|is STRING|is FLOAT[48]|is UNDEFINED|SEQUENCE",
    "other types": r"to another type than a floating-point one",
    "not supported": r"not supported",
    "no images": r"needed: features|needed: a map|of images or channels|over all axes",
    "no whole planes": r"allowed: whole planes|allowed: 1, the channels|allowed: of height and width",
    "another broadcast": r"allowed: of one shape|one for each channel|broadcast|for each column",
    "of tensors": r"allowed: by a constant|is no constant|no tensor that the network computes",
    "dimensions": r"allowed: \[N, C\] and \[C, O\]|allowed: \[N, C, H, W\]|dimensions",
    "another order": r"in another order|as \[|axes \[",
    "attributes": r"transA|training_mode|storage_order|dilations|mode '|antialias|nearest of"
    r"|linear of|alpha other|aspect_ratio",
    "second output": r"another output",
    "padding": r"padding: |allowed: 0 and more|mode ",
    "softmax": r"allowed: axis 1 of features",
    "of an input": r"is an input|is the same tensor",
    "not finite": r"not finite|softmax",
}


def _cases() -> list[Case]:
    found = []
    for case in collect_testcases(None):
        kinds = {node.op_type for node in case.model.graph.node}
        if kinds <= set(HANDLERS) and any(
            each.version >= OLDEST for each in case.model.opset_import if not each.domain
        ):
            found.append(case)
    return found


def _array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def _bound(case: Case, given: list[Array]) -> tuple[ModelProto, list[Array]]:
    """The model with what are weights as constants, and the data that are left."""
    model = ModelProto()
    model.CopyFrom(case.model)
    kinds = {node.op_type for node in model.graph.node}
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
        elif isinstance(values, np.ndarray):
            model.graph.initializer.append(numpy_helper.from_array(values, each.name))
            model.graph.input.remove(each)
    return model, data


def _outcome(case: Case) -> str:
    """Empty if the case is computed as it should be, or the reason why it is refused."""
    given, expected = ([_array(each) for each in of] for of in case.data_sets[0])
    model, data = _bound(case, given)
    try:
        imported = import_onnx(model, case.name)
    except ColonnadeError as error:
        assert "; supported: Add, AveragePool" in str(error) or "opset" in str(error)
        text = str(error).partition("; supported:")[0]
        reason = next((name for name, words in REASONS.items() if re.search(words, text)), None)
        assert reason is not None, text
        return reason
    # A network computes in float32 what the case rounds to 16 bits.
    short = any(each.dtype.itemsize < 4 for each in expected)
    tolerance = 1e-2 if short else ROUNDED.get(case.name, 1e-4)
    wide = [each.astype(np.float32) for each in expected]
    assert_equal(outputs(imported, data), wide, tolerance)
    return ""


def test_every_case_is_computed_or_refused_for_a_stated_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcomes, wrong = Counter[str](), []
    passed: Counter[str] = Counter()
    cases = _cases()
    for case in cases:
        try:
            outcome = _outcome(case)
        except AssertionError as error:
            wrong.append(f"{case.name}: {error}")
            continue
        outcomes[outcome] += 1
        if not outcome:
            passed.update({node.op_type for node in case.model.graph.node})
    with capsys.disabled():
        print(f"\n{len(cases)} node tests: {outcomes.pop('')} passed, refused: {dict(outcomes)}")
    assert not wrong, "\n".join(wrong)
    assert set(HANDLERS) - set(passed) == OF_OTHER_RANKS
