# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""MobileNet-V2, with torchvision's names.

Architecture: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (arXiv 1801.04381).
"""

from typing import NamedTuple

from colonnade.models.builder import IMAGE, Builder
from colonnade.models.graph import Graph

STEM_CHANNELS = 32
LAST_CHANNELS = 1280


class _Stage(NamedTuple):
    """Blocks of one size; the first one has the stride. `expansion` is the inner channels' factor."""

    expansion: int
    channels: int
    blocks: int
    stride: int


_STAGES = (
    _Stage(1, 16, 1, 1),
    _Stage(6, 24, 2, 2),
    _Stage(6, 32, 3, 2),
    _Stage(6, 64, 4, 2),
    _Stage(6, 96, 3, 1),
    _Stage(6, 160, 3, 2),
    _Stage(6, 320, 1, 1),
)


def mobilenet_v2(classes: int) -> Graph:
    """Stem, stages of inverted residual blocks, a wide 1x1 convolution, average, classifier."""
    net = Builder(IMAGE)
    x = _conv(net, "features.0", IMAGE.name, STEM_CHANNELS, 3, 2)
    index, ends = 1, []
    for stage in _STAGES:
        for block in range(stage.blocks):
            stride = stage.stride if block == 0 else 1
            x = _block(net, f"features.{index}", x, stage.expansion, stage.channels, stride)
            index += 1
        ends.append(x)
    x = _conv(net, f"features.{index}", x, LAST_CHANNELS, 1)
    x = net.dropout("classifier.0", net.global_avg_pool("avgpool", x), 0.2)
    return net.graph(net.fully_connected("classifier.1", x, classes, "logits"), stages=tuple(ends))


def _conv(
    net: Builder, name: str, x: str, channels: int, kernel: int, stride: int = 1, groups: int = 1
) -> str:
    """A convolution, its batch norm, and ReLU6."""
    x = net.conv2d(f"{name}.0", x, channels, kernel, stride, groups=groups)
    return net.relu6(f"{name}.2", net.batch_norm(f"{name}.1", x))


def _block(net: Builder, name: str, x: str, expansion: int, channels: int, stride: int) -> str:
    """A wide 1x1 convolution, one for each channel by itself, a narrow 1x1 one; plus the input."""
    inner, branch, index = net.channels(x) * expansion, x, 0
    if expansion != 1:
        branch, index = _conv(net, f"{name}.conv.0", branch, inner, 1), 1
    branch = _conv(net, f"{name}.conv.{index}", branch, inner, 3, stride, inner)
    branch = net.conv2d(f"{name}.conv.{index + 1}", branch, channels, 1)
    branch = net.batch_norm(f"{name}.conv.{index + 2}", branch)
    if stride != 1 or net.channels(x) != channels:
        return branch
    return net.add(f"{name}.add", x, branch)


NETWORKS = {"mobilenet_v2": mobilenet_v2}
