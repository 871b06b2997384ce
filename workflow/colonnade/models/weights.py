"""Loading a local state dict into a model: every key and shape is checked, no pickle is executed.

Accepted are .pth files as torchvision and timm publish them (read with `weights_only=True`) and
.safetensors files. timm's plain ResNets have torchvision's names: modules that timm adds (anti-alias,
drop path, attention) hold no parameters there. What differs: a checkpoint of timm's training script
has the state dict inside, under `state_dict`, and one written by a wrapped model has `module.` before
every name. timm's "d" and "t" variants are other networks, with a deep stem and pooling shortcuts.
"""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from colonnade.errors import ColonnadeError

CLASSIFIER = ("fc.weight", "fc.bias")
WRAPPER = "module."
# The first convolution of a deep stem.
DEEP_STEM = "conv1.0.weight"


def load_weights(model: nn.Module, path: Path, *, replace_fc: bool = False) -> None:
    """Copy the state dict in `path` into `model`.

    `replace_fc` keeps the model's own classifier where the file's has another number of classes.
    Batch counters (`num_batches_tracked`), which old files lack, may be missing.

    Raises:
        ColonnadeError: unreadable file, or one that does not fit; all misfits are listed.
    """
    state = _read_state(path)
    own = model.state_dict()
    if replace_fc:
        for key in CLASSIFIER:
            if key in state and state[key].shape != own[key].shape:
                state[key] = own[key]
    problems = _misfits(own, state)
    if problems:
        listing = "; ".join(problems)
        hint = ""
        if any(key in problem for key in CLASSIFIER for problem in problems):
            hint = " (for another number of classes set model.replace_fc: true)"
        if DEEP_STEM in state:
            hint = " (a ResNet with a deep stem, such as timm's resnet50d: another network)"
        raise ColonnadeError(f"{path}: {len(problems)} mismatches with the model: {listing}{hint}")
    model.load_state_dict({**own, **state})


def _read_state(path: Path) -> dict[str, Tensor]:
    if path.suffix not in (".pth", ".safetensors"):
        raise ColonnadeError(f"{path}: unknown kind of weight file; allowed: .pth, .safetensors")
    if not path.is_file():
        raise ColonnadeError(f"{path}: no such file")
    try:
        state: Any
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ColonnadeError(f"{path}: damaged, or more than tensors: refused") from error
    # torch.load raises whatever the damaged place in the file provokes.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ColonnadeError(f"{path}: cannot be read: {reason}") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ColonnadeError(f"{path}: expected a state dict: parameter names with their tensors")
    return {key.removeprefix(WRAPPER): value for key, value in state.items()}


def _misfits(own: dict[str, Tensor], state: dict[str, Tensor]) -> list[str]:
    problems = []
    for key, expected in own.items():
        if key not in state:
            if not key.endswith("num_batches_tracked"):
                problems.append(f"{key}: missing")
        elif state[key].shape != expected.shape:
            seen, wanted = tuple(state[key].shape), tuple(expected.shape)
            problems.append(f"{key}: shape {seen}, expected {wanted}")
        elif expected.is_floating_point() and not bool(state[key].isfinite().all()):
            problems.append(f"{key}: has values that are not finite")
    problems.extend(f"{key}: unknown" for key in state if key not in own)
    return problems
