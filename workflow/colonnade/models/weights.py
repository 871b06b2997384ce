# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Loading a local weight file into a model: every name, shape, type and value is checked.

Accepted are files as torchvision, timm, Lightning and PyTorch's wrappers write them: see
`colonnade.models.weight_files`. timm's plain ResNets have torchvision's names: modules that timm adds
(anti-alias, drop path, attention) hold no parameters there.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from colonnade.common.errors import ColonnadeError, some
from colonnade.models.lookalikes import lookalike
from colonnade.models.module import Network
from colonnade.models.weight_files import read_state

COUNTER = "num_batches_tracked"
# torchvision's files of DenseNets have names from before its modules had none with dots: norm.1 is norm1.
_OLD_DENSENET = re.compile(r"(\.denselayer\d+\.(?:norm|conv))\.([12]\.)")
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def load_weights(
    model: Network, name: str, path: Path, *, key: str | None = None, replace_fc: bool = False
) -> None:
    """Copy the state dict in `path` into `model`, whose name `name` is.

    `key` names the state dict in a file that holds several. `replace_fc` keeps the model's own
    classifier where the file's has another number of classes. Batch counters
    (`num_batches_tracked`), which old files lack, may be missing. Floating-point types of 16 and 64
    bits are converted.

    Raises:
        ColonnadeError: unreadable file, or one that does not fit; ten misfits are listed, and counted.
    """
    state, note = read_state(path, key)
    state = {_OLD_DENSENET.sub(r"\1\2", each): value for each, value in state.items()}
    if note is not None:
        print(note, file=sys.stderr)
    own = model.state_dict()
    names = [node.name for node in model.graph.classifiers]
    other = [each for each in names if _has_other_classes(each, own, state)]
    if replace_fc:
        state |= {key: own[key] for each in other for key in _parameters(each)}
    problems = _misfits(own, state)
    if problems:
        similar = lookalike(name, state)
        hint = ""
        if similar is not None:
            hint = f" (the file looks like {similar})"
        elif other:
            hint = " (for another number of classes set model.replace_fc: true)"
        raise ColonnadeError(
            f"{path}: {len(problems)} mismatches with {name}: {some(problems)}{hint}"
        )
    converted = {key: value.to(own[key].dtype) for key, value in state.items()}
    model.load_state_dict({**own, **converted})


def _parameters(classifier: str) -> tuple[str, str]:
    return f"{classifier}.weight", f"{classifier}.bias"


def _has_other_classes(
    classifier: str, own: Mapping[str, Tensor], state: Mapping[str, Tensor]
) -> bool:
    """Whether the file's classifier differs in its number of classes, and in nothing else."""
    weight, bias = (state.get(name) for name in _parameters(classifier))
    expected, _ = (own[name] for name in _parameters(classifier))
    if weight is None or bias is None or weight.ndim != 2 or len(weight) == len(expected):
        return False
    return weight.shape[1:] == expected.shape[1:] and bias.shape == weight.shape[:1]


def _misfits(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    problems = []
    for key, expected in own.items():
        if key in state:
            problem = _misfit(key, expected, state[key])
            problems += [] if problem is None else [f"{key}: {problem}"]
        elif not key.endswith(COUNTER):
            problems.append(f"{key}: missing")
    problems.extend(f"{key}: unknown" for key in state if key not in own)
    return problems


def _misfit(key: str, expected: Tensor, value: Tensor) -> str | None:
    """What is wrong with a tensor of the file; None if nothing is."""
    if value.shape != expected.shape:
        return f"shape {tuple(value.shape)}, expected {tuple(expected.shape)}"
    if value.is_meta:
        return "has no values (a meta tensor)"
    if value.layout != torch.strided or value.is_quantized:
        return f"is {value.dtype}, {value.layout}; expected a plain tensor"
    if not expected.is_floating_point():
        whole = (
            not value.is_floating_point() and not value.is_complex() and value.dtype != torch.bool
        )
        return None if whole else f"is {value.dtype}; expected whole numbers"
    if value.dtype not in FLOATS:
        allowed = ", ".join(str(each).removeprefix("torch.") for each in FLOATS)
        return f"is {value.dtype}; allowed: {allowed}"
    if not bool(value.isfinite().all()):
        return "has values that are not finite"
    if not bool(value.to(expected.dtype).isfinite().all()):
        return f"has values beyond the range of {expected.dtype}"
    if key.endswith("running_var") and bool((value < 0).any()):
        return "has variances below 0"
    return None
