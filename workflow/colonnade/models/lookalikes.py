# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What network a state dict belongs to, guessed from its names, for messages about a misfit."""

from collections.abc import Mapping

from torch import Tensor

from colonnade.models.module import without_storage
from colonnade.models.networks import NAMES, network

# A name that only this family has, and how to call it; the first that is found wins.
_FAMILIES = (
    ("mask.", "a pruned checkpoint of Colonnade; `colonnade to-torch` makes a state dict of it"),
    ("backbone.", "a detector or a segmentation network around a backbone"),
    ("roi_heads.", "a detector"),
    ("conv1.0.weight", "a ResNet with a deep stem, such as timm's resnet50d: another network"),
    ("features.18.0.weight", "MobileNet-V2"),
    ("features.1.0.block.0.0.weight", "an EfficientNet"),
    ("conv_stem.weight", "an EfficientNet or MobileNet of timm"),
    ("_conv_stem.weight", "an EfficientNet"),
    ("features.denseblock1.", "a DenseNet"),
    ("features.3.squeeze.weight", "a SqueezeNet"),
    ("classifier.6.weight", "a VGG or an AlexNet"),
    ("patch_embed.proj.weight", "a vision transformer"),
    ("class_token", "a vision transformer"),
    ("Conv2d_1a_3x3.", "an Inception network"),
    ("stage2.0.branch", "a ShuffleNet"),
    ("stages.0.blocks.0.", "a ConvNeXt, RegNet or alike of timm"),
    ("layer1.0.se.", "a ResNet with squeeze-and-excitation"),
)


def lookalike(model_name: str, state: Mapping[str, Tensor]) -> str | None:
    """What the weights look like, in words for a message; None if that is unknown or the model itself."""
    for name in NAMES:
        model = without_storage(network(name, 1))
        classifiers = tuple(f"{node.name}." for node in model.graph.classifiers)
        if _body(model.state_dict(), classifiers) == _body(state, classifiers):
            return None if name == model_name else f"{name}: set model.name: {name}"
    for key, family in _FAMILIES:
        if any(name == key or (key.endswith(".") and name.startswith(key)) for name in state):
            return family
    weight = state.get("layer1.0.conv2.weight")
    if weight is not None and weight.ndim == 4 and weight.shape[0] != weight.shape[1]:
        return "a ResNeXt, whose convolutions are grouped: another network"
    return None


def _body(state: Mapping[str, Tensor], classifiers: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Shapes by name, without the classifiers, whose size varies, and without batch counters."""
    return {
        name: tuple(value.shape)
        for name, value in state.items()
        if not name.startswith(classifiers) and not name.endswith("num_batches_tracked")
    }
