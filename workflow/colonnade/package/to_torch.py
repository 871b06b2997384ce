# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A checkpoint for other people's tools: a plain state dict, and what was pruned of it."""

import io
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import atomic_path
from colonnade.results.tables import PRUNED, write_table
from colonnade.training.checkpoint import Checkpoint, read_checkpoint

SUFFIXES = (".pth", ".safetensors")


def write_state_dict(checkpoint: Path, output: Path) -> Checkpoint:
    """Write a checkpoint's parameters under torchvision's names, pruned weights as zeros.

    `torchvision.models.resnet18(num_classes=...)` and alike load it with `strict=True`. `output` ends in
    .pth or .safetensors.

    Raises:
        ColonnadeError: damaged checkpoint, or a file that cannot be written.
    """
    if output.suffix not in SUFFIXES:
        raise ColonnadeError(
            f"{output}: unknown kind of weight file; allowed: {', '.join(SUFFIXES)}"
        )
    if output.resolve() == checkpoint.resolve():
        raise ColonnadeError(f"{output}: is the checkpoint itself; allowed: another file")
    source = read_checkpoint(checkpoint)
    state = {key: value.contiguous() for key, value in source.state.items()}
    with atomic_path(output) as temporary:
        if output.suffix == ".safetensors":
            temporary.write_bytes(save(state, metadata={"format": "pt"}))
        else:
            # Given a file, torch tells of a full disk as if it had a mistake itself.
            content = io.BytesIO()
            torch.save(state, content)
            temporary.write_bytes(content.getbuffer())
    return source


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
