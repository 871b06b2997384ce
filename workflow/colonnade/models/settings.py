"""Configuration section `model`: which network, and which weights it starts from."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

ModelName = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]


class ModelConfig(BaseModel):
    """A network by name, and optionally a local state dict to start from.

    `weights` is a weight file with torchvision's parameter names; `weights_key` names the state dict
    in one that holds several. `replace_fc` asks for a fresh classifier where that file was trained on
    another number of classes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: ModelName = "resnet18"
    weights: Path | None = None
    weights_key: str | None = None
    replace_fc: bool = False
