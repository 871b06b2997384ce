# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Checkpoints: one safetensors file with the state dict, the masks and a JSON header.

The SHA-256 of this file is the `checkpoint_sha256` of every table. Equal content gives equal bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from colonnade.common.errors import ColonnadeError, some
from colonnade.common.files import sha256_file, write_bytes
from colonnade.config.pruning import Recipe
from colonnade.data.pictures import Normalisation
from colonnade.models.document import GraphDocument
from colonnade.models.importing.origins import SourceNames
from colonnade.models.module import Network, without_storage
from colonnade.models.networks import network
from colonnade.pruning.mask import ColumnMask
from colonnade.pruning.plan import LayerPlan
from colonnade.pruning.serial import masks_from_tensors, masks_to_tensors
from colonnade.pruning.weights import kept_weights

# One header entry only: safetensors writes several in no fixed order.
HEADER_KEY = "colonnade"


class CheckpointInfo(BaseModel):
    """What a checkpoint is: the header of its file.

    `graph` is an imported network; one with a name that the library knows has none. `plan` gives
    pattern and tile of every pruned convolution; empty, with `recipe` null, if dense.
    `source_sha256` names the dense checkpoint that a pruned one was made from. `epochs` counts
    those of this phase. `source_names` are those of the module that was imported, where they differ.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    graph: GraphDocument | None = None
    num_classes: int
    plan: dict[str, LayerPlan] = {}
    recipe: Recipe | None = None
    dataset: str
    image_px: int
    split_seed: int
    normalisation: Normalisation
    seed: int
    epochs: int
    source_sha256: str | None = None
    # Only what was imported has some: others keep the bytes of their checkpoints.
    source_names: SourceNames | None = Field(default=None, exclude_if=lambda each: each is None)

    @property
    def input_channels(self) -> list[int]:
        """Channels of each input."""
        return [3] if self.graph is None else [each.channels for each in self.graph.inputs]

    def network(self) -> Network:
        """The module, whose parameters have no storage yet.

        Raises:
            ColonnadeError: a name that the library does not know, or nodes that do not fit together.
        """
        try:
            graph = self.graph.graph() if self.graph else network(self.model, self.num_classes)
            return without_storage(graph)
        except ValueError as error:
            raise ColonnadeError(f"network {self.model}: {error}") from error


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint read from `path`; `masks` is empty if it is dense."""

    path: Path
    sha256: str
    info: CheckpointInfo
    state: dict[str, Tensor]
    masks: dict[str, ColumnMask]

    def model(self) -> Network:
        """The trained module, in evaluation mode."""
        model = self.info.network()
        model.load_state_dict({key: each.clone() for key, each in self.state.items()}, assign=True)
        return model.eval()


def write_checkpoint(
    path: Path, info: CheckpointInfo, state: Mapping[str, Tensor], masks: Mapping[str, ColumnMask]
) -> None:
    """Write a checkpoint, whole or not at all."""
    tensors = {key: value.contiguous() for key, value in state.items()} | masks_to_tensors(masks)
    header = json.dumps(info.model_dump(mode="json"), sort_keys=True)
    write_bytes(path, save(tensors, metadata={HEADER_KEY: header}))


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and check a checkpoint.

    Raises:
        ColonnadeError: missing, truncated or otherwise damaged file, or no checkpoint of ours.
    """
    tensors, header = _read(path)
    try:
        info = CheckpointInfo.model_validate_json(header)
        tiles = {name: layer.tile for name, layer in info.plan.items()}
        masks = masks_from_tensors(tensors, tiles)
    except (ValidationError, ColonnadeError) as error:
        raise ColonnadeError(
            f"{path}: damaged checkpoint: {' '.join(str(error).split())}"
        ) from error
    state = {key: value for key, value in tensors.items() if not key.startswith("mask.")}
    _check_state(path, info, state, masks)
    return Checkpoint(path, sha256_file(path), info, state, masks)


def _read(path: Path) -> tuple[dict[str, Tensor], str]:
    if not path.is_file():
        raise ColonnadeError(f"{path}: no such checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, Any] = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise ColonnadeError(f"{path}: damaged checkpoint: {error}") from error
    if HEADER_KEY not in metadata:
        raise ColonnadeError(f"{path}: not a Colonnade checkpoint: no {HEADER_KEY!r} header")
    return tensors, metadata[HEADER_KEY]


def _check_state(
    path: Path, info: CheckpointInfo, state: Mapping[str, Tensor], masks: Mapping[str, ColumnMask]
) -> None:
    expected = info.network().state_dict()
    wrong = sorted(set(expected) ^ set(state)) or [
        key for key, value in state.items() if value.shape != expected[key].shape
    ]
    if wrong:
        raise ColonnadeError(
            f"{path}: damaged checkpoint: does not fit {info.model}: {some(wrong)}"
        )
    for key, value in state.items():
        if value.dtype != expected[key].dtype:
            raise ColonnadeError(f"{path}: damaged checkpoint: {key} is {value.dtype}")
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ColonnadeError(
                f"{path}: damaged checkpoint: {key} has values that are not finite"
            )
    for name, mask in masks.items():
        weight = state[f"{name}.weight"]
        if bool(weight[~kept_weights(mask, weight)].any()):
            raise ColonnadeError(f"{path}: damaged checkpoint: {name} has weights outside its mask")
