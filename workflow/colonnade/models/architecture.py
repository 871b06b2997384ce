# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The ResNets as data: their convolutions by name, without torch.

The modules of `resnet` are built from this description; names, and the shapes that a workflow
profiles, follow from it without building them.

Architecture: He et al., "Deep Residual Learning for Image Recognition" (arXiv 1512.03385), with the
stride of a downsampling bottleneck on its 3x3 convolution ("v1.5"), as torchvision has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

from colonnade.common.errors import ColonnadeError
from colonnade.config.model import ModelName
from colonnade.models.conv_shape import ConvShape

MODEL_NAMES: tuple[str, ...] = get_args(ModelName)
IMAGE_CHANNELS = 3
STEM_CHANNELS = 64


@dataclass(frozen=True)
class Window:
    """A square window that slides over a plane, half of it beyond the edge at first."""

    kernel: int
    stride: int = 1

    @property
    def padding(self) -> int:
        """Rows and columns beyond each edge of the plane."""
        return (self.kernel - 1) // 2

    def out(self, size: int) -> int:
        """Rows of the output of a plane with `size` rows; columns likewise."""
        return (size + 2 * self.padding - self.kernel) // self.stride + 1


@dataclass(frozen=True)
class Conv:
    """A convolution, named as in the state dict; with `residual` a block's input is added to it."""

    name: str
    in_channels: int
    out_channels: int
    window: Window
    residual: bool = False

    def shape(self, batch: int, size: int) -> ConvShape:
        """Its shape over square planes with `size` rows."""
        return ConvShape(
            batch=batch,
            in_channels=self.in_channels,
            height=size,
            width=size,
            out_channels=self.out_channels,
            kernel_h=self.window.kernel,
            kernel_w=self.window.kernel,
            stride=self.window.stride,
            padding=self.window.padding,
            dilation=1,
            residual=self.residual,
        )


@dataclass(frozen=True)
class Block:
    """A residual block: the convolutions of `branch`, one after the other, plus the block's input.

    `shortcut` projects the input where it has another size than the branch's output.
    """

    branch: tuple[Conv, ...]
    shortcut: Conv | None

    @property
    def out_channels(self) -> int:
        """Channels of the sum."""
        return self.branch[-1].out_channels


@dataclass(frozen=True)
class Architecture:
    """Stem, maximum pool, and stages of residual blocks; then global average pool and classifier."""

    stem: Conv
    pool: Window
    stages: tuple[tuple[Block, ...], ...]

    @property
    def convs(self) -> list[Conv]:
        """The convolutions, in execution order."""
        found = [self.stem]
        for block in self._blocks:
            found += [*block.branch, *filter(None, [block.shortcut])]
        return found

    @property
    def features(self) -> int:
        """Channels that the classifier reads."""
        return self._blocks[-1].out_channels

    def sizes(self, image_px: int) -> list[int]:
        """Rows of the plane that each of `convs` reads."""
        found, size = [image_px], self.pool.out(self.stem.window.out(image_px))
        for block in self._blocks:
            inner = size
            for conv in block.branch:
                found.append(inner)
                inner = conv.window.out(inner)
            if block.shortcut is not None:
                found.append(size)
            size = inner
        return found

    @property
    def _blocks(self) -> list[Block]:
        return [block for stage in self.stages for block in stage]


class _Layer(NamedTuple):
    """A convolution of a block's branch; `expansion` is its output channels over the stage's."""

    expansion: int
    kernel: int
    strided: bool


# ResNet-18 and -34 have two 3x3 convolutions in a block, deeper ones a bottleneck.
_BASIC = (_Layer(1, 3, True), _Layer(1, 3, False))
_BOTTLENECK = (_Layer(1, 1, False), _Layer(1, 3, True), _Layer(4, 1, False))
_STAGES: dict[str, tuple[tuple[_Layer, ...], tuple[int, ...]]] = {
    "resnet18": (_BASIC, (2, 2, 2, 2)),
    "resnet34": (_BASIC, (3, 4, 6, 3)),
    "resnet50": (_BOTTLENECK, (3, 4, 6, 3)),
    "resnet101": (_BOTTLENECK, (3, 4, 23, 3)),
    "resnet152": (_BOTTLENECK, (3, 8, 36, 3)),
}


def architecture(name: str) -> Architecture:
    """The description of a model.

    Raises:
        ColonnadeError: no such model.
    """
    if name not in _STAGES:
        raise ColonnadeError(f"model {name!r}: allowed are {', '.join(MODEL_NAMES)}")
    layers, depths = _STAGES[name]
    width = STEM_CHANNELS
    stages = []
    for stage, depth in enumerate(depths):
        blocks = []
        for index in range(depth):
            stride = 2 if stage > 0 and index == 0 else 1
            prefix, channels = f"layer{stage + 1}.{index}", STEM_CHANNELS << stage
            blocks.append(_block(prefix, layers, width, channels, stride))
            width = blocks[-1].out_channels
        stages.append(tuple(blocks))
    stem = Conv("conv1", IMAGE_CHANNELS, STEM_CHANNELS, Window(7, 2))
    return Architecture(stem, Window(3, 2), tuple(stages))


def _block(
    prefix: str, layers: Sequence[_Layer], in_channels: int, channels: int, stride: int
) -> Block:
    branch: list[Conv] = []
    width = in_channels
    for index, layer in enumerate(layers, start=1):
        window = Window(layer.kernel, stride if layer.strided else 1)
        out_channels = channels * layer.expansion
        residual = index == len(layers)
        branch.append(Conv(f"{prefix}.conv{index}", width, out_channels, window, residual))
        width = out_channels
    same = stride == 1 and in_channels == width
    shortcut = Conv(f"{prefix}.downsample.0", in_channels, width, Window(1, stride))
    return Block(tuple(branch), None if same else shortcut)


def conv_shapes(name: str, image_px: int, batch: int) -> list[tuple[str, ConvShape]]:
    """Layer name and shape of every convolution of a model, in execution order.

    Raises:
        ColonnadeError: no such model, or sizes below 1.
    """
    if image_px < 1 or batch < 1:
        raise ColonnadeError(f"image_px {image_px}, batch {batch}: at least 1 each")
    model = architecture(name)
    sizes = zip(model.convs, model.sizes(image_px), strict=True)
    return [(conv.name, conv.shape(batch, size)) for conv, size in sizes]
