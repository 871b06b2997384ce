# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A checkpoint for other people's tools: a plain state dict, and what was pruned of it."""

import io
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import atomic_path, check_distinct
from colonnade.models.importing.origins import digest
from colonnade.results.tables import PRUNED, write_table
from colonnade.training.checkpoint import Checkpoint, read_checkpoint

SUFFIXES = (".pth", ".safetensors")


def write_state_dict(checkpoint: Path, output: Path) -> Checkpoint:
    """Write a checkpoint's parameters under torchvision's or its module's names, pruned weights as zeros.

    `torchvision.models.resnet18(num_classes=...)` and alike load it with `strict=True`. `output` ends in
    .pth or .safetensors.

    Raises:
        ColonnadeError: damaged checkpoint, parameters that the module has no place for, or a file that
            cannot be written.
    """
    if output.suffix not in SUFFIXES:
        raise ColonnadeError(
            f"{output}: unknown kind of weight file; allowed: {', '.join(SUFFIXES)}"
        )
    check_distinct(output, checkpoint)
    source = read_checkpoint(checkpoint)
    state = {key: value.contiguous() for key, value in _of_module(source).items()}
    with atomic_path(output) as temporary:
        if output.suffix == ".safetensors":
            temporary.write_bytes(save(state, metadata={"format": "pt"}))
        else:
            # Given a file, torch tells of a full disk as if it had a mistake itself.
            content = io.BytesIO()
            torch.save(state, content)
            temporary.write_bytes(content.getbuffer())
    return source


def _of_module(source: Checkpoint) -> dict[str, Tensor]:
    """The parameters of the module that a network was imported from.

    What the module computes of others, such as a normalised weight, is left out if it is what it was.
    """
    names = source.info.source_names
    if names is None:
        return source.state
    state: dict[str, Tensor] = {}
    for key, value in source.state.items():
        if key in names.computed:
            if digest(value.numpy()) != names.computed[key]:
                raise ColonnadeError(
                    f"{source.path}: {key} is no parameter of the network that was imported, which"
                    " computes it, and is not what it was; `colonnade to-onnx` writes it"
                )
            continue
        own = names.own.get(key)
        name, made = (key, value) if own is None else (own.name, value.reshape(own.sizes))
        if name in state and not torch.equal(state[name], made):
            raise ColonnadeError(
                f"{source.path}: {name} is used several times in the network that was imported, and"
                f" {key} is another one now; `colonnade to-onnx` writes both"
            )
        state[name] = made
    return state


def pruned_layers(source: Checkpoint) -> list[dict[str, Any]]:
    """A row for each pruned convolution: see the columns of `PRUNED`."""
    rows = []
    for name, mask in source.masks.items():
        weight, layer = source.state[f"{name}.weight"], source.info.plan[name]
        rows_of = [
            min(mask.tile, len(weight) - first) for first in range(0, len(weight), mask.tile)
        ]
        kept = mask.keep.sum(axis=1)
        rows.append(
            {
                "layer": name,
                "pattern": layer.pattern.label,
                "tile": mask.tile,
                "columns": mask.k,
                "columns_kept": float(kept.mean()),
                "weights": weight.numel(),
                "weights_kept": int((kept * rows_of).sum()),
            }
        )
    return rows


def write_pruned(source: Checkpoint, table: Path) -> None:
    """Write `pruned_layers` as a table."""
    write_table(table, PRUNED, pruned_layers(source))
