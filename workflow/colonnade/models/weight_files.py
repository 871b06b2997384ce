# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Weight files as people publish them, read down to parameter names and tensors; nothing is executed.

A .pth, .pt, .pth.tar, .tar, .bin or .ckpt file is a pickle of PyTorch's. It is read by torch's own
restricted reader (`weights_only=True`); objects of classes it does not know, such as the arguments that
a training script was called with, become inert stand-ins: neither their class nor any function of theirs
is looked up. The state dict may be the whole file, or lie under one of the names that training scripts
use.
"""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from colonnade.common.errors import ColonnadeError, first_line, some

PICKLES = (".pth", ".pt", ".pth.tar", ".tar", ".bin", ".ckpt")
SUFFIXES = (*PICKLES, ".safetensors")
# Where training scripts keep the state dict: timm, torchvision's references, Lightning and others.
NAMES = ("state_dict", "model", "model_state_dict", "net", "network", "module", "weights")
# The moving average of it, which they keep beside.
AVERAGES = ("state_dict_ema", "model_ema", "ema_state_dict", "ema")
# By which a state dict of several is named: of a configuration, and of `optimize`.
KEY = "model.weights_key or --weights-key"
# What wrappers put before every name: DistributedDataParallel, AveragedModel, torch.compile, Lightning.
PREFIXES = ("module.", "_orig_mod.", "model.")
# AveragedModel's own counter, which is no parameter.
AVERAGED = "n_averaged"
# Classes that a file may name beside tensors.
MOST_CLASSES = 1000

State = dict[str, Tensor]


def read_state(path: Path, key: str | None = None) -> tuple[State, str | None]:
    """The parameters in a weight file by name, wrappers' prefixes removed.

    With `key` those under that name of the file. Also a note for the user where the file holds others, or
    None.

    Raises:
        ColonnadeError: unreadable or damaged file, or one that does not hold a state dict.
    """
    if not path.name.endswith(SUFFIXES):
        raise ColonnadeError(f"{path}: unknown kind of weight file; allowed: {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ColonnadeError(f"{path}: no such file")
    content = _read(path)
    where, state, note = _find(path, content, key)
    if not isinstance(state, Mapping) or not state:
        raise ColonnadeError(
            f"{path}{where}: expected a state dict, parameter names with their tensors;"
            f" found {_kind(state)}"
        )
    odd = [name for name in state if not isinstance(name, str)]
    if odd:
        raise ColonnadeError(f"{path}{where}: names that are no text: {some(map(repr, odd))}")
    others = [
        f"{name} ({_kind(value)})"
        for name, value in state.items()
        if not isinstance(value, Tensor) or value.is_nested
    ]
    if others:
        raise ColonnadeError(
            f"{path}{where}: expected a state dict, tensors only; refused: {some(others)}"
        )
    return _panel(path, dict(state)), note


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(_stand_ins(path)):
            return torch.load(path, map_location="cpu", weights_only=True)
    except ColonnadeError:
        raise
    except UnpicklingError as error:
        raise ColonnadeError(f"{path}: damaged, or more than tensors: refused") from error
    # torch.load and safetensors raise whatever the damaged place in the file provokes.
    except Exception as error:
        raise ColonnadeError(f"{path}: cannot be read: {first_line(error)}") from error


class _StandIn:
    """An object of a class that is not looked up: whatever it is made of is dropped."""

    name: str

    def __new__(cls, *_arguments: object, **_named: object) -> "_StandIn":
        return object.__new__(cls)

    def __init__(self, *_arguments: object, **_named: object) -> None: ...

    def __setstate__(self, _state: object) -> None: ...

    def __setitem__(self, _key: object, _value: object) -> None: ...


def _stand_ins(path: Path) -> list[Any]:
    """For torch: a stand-in for each class or function that a file names and torch does not allow."""
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:
        # Older files are no archive. What timm's training script writes into them is known.
        names = ["argparse.Namespace"]
    if len(names) > MOST_CLASSES:
        raise ColonnadeError(
            f"{path}: names {len(names)} classes; allowed: {MOST_CLASSES} beside tensors"
        )
    return [(type("StandIn", (_StandIn,), {"name": name}), name) for name in names]


def _kind(value: object) -> str:
    if isinstance(value, Tensor) and value.is_nested:
        return "nested Tensor"
    return value.name if isinstance(value, _StandIn) else type(value).__name__


def _holds_tensors(value: object) -> bool:
    return isinstance(value, Mapping) and any(isinstance(each, Tensor) for each in value.values())


def _find(path: Path, content: Any, key: str | None) -> tuple[str, Any, str | None]:
    """Where in a file the state dict is, the dict, and a note on what else the file holds."""
    inner = {
        name: value
        for name, value in (content.items() if isinstance(content, Mapping) else ())
        if isinstance(name, str) and _holds_tensors(value)
    }
    if key is not None:
        if key not in inner:
            allowed = some(inner) or "none: the file holds no state dict under a name"
            raise ColonnadeError(f"{path}: {KEY}: {key!r}; allowed: {allowed}")
        return f": {key}", inner[key], None
    usual = [name for name in NAMES if name in inner]
    averages = [name for name in AVERAGES if name in inner]
    if len(usual) > 1:
        raise ColonnadeError(
            f"{path}: holds several state dicts, {some(usual + averages)}; name one by {KEY}"
        )
    if not usual and not averages:
        # An older habit: one of another name, beside numbers.
        wrapped = isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping)
        return "", content["state_dict"] if wrapped else content, None
    taken = (usual or averages)[0]
    left = [name for name in averages if name != taken]
    note = (
        f"{path}: took {taken}; it also holds {some(left)}, which {KEY} can name" if left else None
    )
    return f": {taken}", inner[taken], note


def _panel(path: Path, state: State) -> State:
    """Parameters without the prefixes that all of them have."""
    state.pop(AVERAGED, None)
    while True:
        prefix = next((each for each in PREFIXES if any(n.startswith(each) for n in state)), None)
        if prefix is None:
            return state
        plain = [name for name in state if not name.startswith(prefix)]
        if plain:
            raise ColonnadeError(
                f"{path}: {len(state) - len(plain)} names begin with {prefix!r} and {len(plain)}"
                f" do not ({some(plain)}): which of them are the model's is unclear"
            )
        state = {name.removeprefix(prefix): value for name, value in state.items()}
        state.pop(AVERAGED, None)
