# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The node tests of the `onnx` package: each operation that is supported, computed or refused."""

import re
from collections import Counter

import numpy as np
import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.models.importing.onnx_operations import HANDLERS
from colonnade.models.importing.onnx_reader import import_onnx
from tests.conftest import RecordRow

from .computing import assert_equal, outputs
from .node_cases import NodeCase, node_cases

pytestmark = pytest.mark.slow

# Whose own cases all have other ranks or modes; test_round_trips and integration/test_whole_networks
# have them.
OF_OTHER_RANKS = {
    *(
        "Div",
        "Gather",
        "LayerNormalization",
        "Neg",
        "PRelu",
        "ReduceMax",
        "ReduceMean",
        "ReduceSum",
        "Reshape",
        "Shape",
        "Slice",
    ),
    *("Squeeze", "Transpose", "Unsqueeze"),
}
# How many cases of an operation are computed, at least.
COMPUTED = {
    "Abs": 1,
    "Add": 1,
    "AveragePool": 12,
    "BatchNormalization": 2,
    "Cast": 16,
    "Celu": 3,
    "Clip": 9,
    "Concat": 2,
    "Conv": 6,
    "Dropout": 4,
    "Elu": 3,
    "Erf": 1,
    "Exp": 2,
    "Flatten": 3,
    "Gelu": 4,
    "Gemm": 8,
    "GlobalAveragePool": 2,
    "GlobalMaxPool": 2,
    "HardSigmoid": 4,
    "HardSwish": 1,
    "Identity": 2,
    "LRN": 2,
    "LeakyRelu": 3,
    "MatMul": 1,
    "Max": 6,
    "MaxPool": 11,
    "Min": 6,
    "Mish": 1,
    "Mul": 4,
    "Pad": 3,
    "Pow": 1,
    "Relu": 1,
    "Resize": 5,
    "Selu": 3,
    "Sigmoid": 2,
    "Softmax": 2,
    "Softplus": 3,
    "Split": 5,
    "Sub": 2,
    "Sum": 3,
    "Swish": 1,
    "Tanh": 3,
    "Upsample": 1,
}
TITLE = "node tests of the onnx package"
# Why a case is refused: what the vocabulary of nodes does not have.
REASONS = {
    "another rank": r"is \[[^]]*\]; needed: \[N, C, H, W\] or \[N, C\]",
    "no floating-point numbers": r"is U?INT\d+|is BOOL|is STRING|is FLOAT[48]|is UNDEFINED|SEQUENCE",
    "other types": r"to another type than a floating-point one",
    "not supported": r"not supported",
    "no images": r"needed: features|needed: a map|of images or channels|over all axes",
    "no whole planes": r"allowed: whole planes|allowed: 1, the channels|allowed: of height and width",
    "another broadcast": r"allowed: of one shape|one for each channel|broadcast|for each column",
    "of tensors": r"allowed: by a constant|is no constant|no tensor that the network computes"
    r"|has several elements; needed: one",
    "dimensions": r"allowed: \[N, C, H, W\]|dimensions",
    "another order": r"in another order|as \[|axes \[",
    "several elements": r"indices .*; allowed: a single one",
    "attributes": r"transA|training_mode|storage_order|dilations|mode '|antialias|nearest of"
    r"|linear of|alpha other|aspect_ratio|over the last \d axes|one for each element",
    "second output": r"another output",
    "padding": r"padding: |mode ",
    "softmax": r"allowed: axis 1 of features",
    "of an input": r"is an input|is the same tensor",
    "not finite": r"not finite|softmax",
}


def _outcome(case: NodeCase) -> str:
    """Empty if the case is computed as it should be, or the reason why it is refused."""
    try:
        imported = import_onnx(case.model, case.name)
    except ColonnadeError as error:
        text, listed, _ = str(error).partition("; supported: Abs, Add, AveragePool")
        assert bool(listed) == ("not supported" in text)
        reason = next((name for name, words in REASONS.items() if re.search(words, text)), None)
        assert reason is not None, text
        return reason
    wide = [each.astype(np.float32) for each in case.expected]
    assert_equal(outputs(imported, case.data), wide, case.tolerance)
    return ""


def test_every_case_is_computed_or_refused_for_a_stated_reason(record_row: RecordRow) -> None:
    outcomes, wrong = Counter[str](), []
    computed: Counter[str] = Counter()
    cases = node_cases()
    for case in cases:
        try:
            outcome = _outcome(case)
        except AssertionError as error:
            wrong.append(f"{case.name}: {error}")
            continue
        outcomes[outcome] += 1
        if not outcome:
            computed.update(case.kinds)
    record_row(TITLE, f"{len(cases)} of the operations supported, {outcomes.pop('')} computed")
    record_row(TITLE, f"computed: {dict(sorted(computed.items()))}")
    record_row(TITLE, f"refused: {dict(outcomes.most_common())}")
    assert not wrong, "\n".join(wrong)
    assert set(HANDLERS) - set(computed) == OF_OTHER_RANKS
    fewer = {kind: computed[kind] for kind, count in COMPUTED.items() if computed[kind] < count}
    assert not fewer, f"fewer than before: {fewer}"
