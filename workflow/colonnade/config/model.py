# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Configuration section `model`: which network, and which weights it starts from."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from colonnade.config.section import InputFile, Section
from colonnade.models.networks import NAMES

# mypy knows no literals but written ones.
if TYPE_CHECKING:
    ModelName = str
else:
    ModelName = Literal[NAMES]


class ModelConfig(Section):
    """A network by name, and optionally a local state dict to start from."""

    name: ModelName = Field(default="resnet18", description="The network, as torchvision has it.")
    weights: InputFile | None = Field(
        default=None,
        description="A local weight file (`.pth`, `.pth.tar`, `.ckpt`, `.safetensors` and alike) with"
        " torchvision's parameter names to start from; null starts from random ones.",
    )
    weights_key: str | None = Field(
        default=None,
        description="Which state dict of `weights`, where that file holds several, such as"
        " `state_dict_ema`.",
    )
    replace_fc: bool = Field(
        default=False,
        description="A fresh classifier, where `weights` were trained on another number of classes.",
    )
