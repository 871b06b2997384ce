# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""DenseNet-121, with torchvision's names.

Architecture: Huang et al., "Densely Connected Convolutional Networks" (arXiv 1608.06993).
"""

from colonnade.models.builder import IMAGE, Builder
from colonnade.models.graph import Graph

STEM_CHANNELS = 64
GROWTH = 32
# Channels between the two convolutions of a layer.
INNER = 4 * GROWTH
_BLOCKS = (6, 12, 24, 16)


def densenet121(classes: int) -> Graph:
    """Stem, blocks whose layers read all before them, transitions between them, average, classifier."""
    net = Builder(IMAGE)
    x = net.conv2d("features.conv0", IMAGE.name, STEM_CHANNELS, 7, 2)
    x = net.relu("features.relu0", net.batch_norm("features.norm0", x))
    x = net.max_pool2d("features.pool0", x, 3, 2, 1)
    ends = []
    for index, layers in enumerate(_BLOCKS, start=1):
        x = _block(net, f"features.denseblock{index}", x, layers)
        ends.append(x)
        if index < len(_BLOCKS):
            name = f"features.transition{index}"
            half = net.channels(x) // 2
            x = _norm_relu_conv(net, name, x, ("norm", "relu", "conv"), half, 1)
            x = net.avg_pool2d(f"{name}.pool", x, 2, 2)
    x = net.relu("features.relu5", net.batch_norm("features.norm5", x))
    x = net.global_avg_pool("avgpool", x)
    return net.graph(net.fully_connected("classifier", x, classes, "logits"), stages=tuple(ends))


def _norm_relu_conv(
    net: Builder, name: str, x: str, parts: tuple[str, str, str], channels: int, kernel: int
) -> str:
    norm, relu, conv = (f"{name}.{part}" for part in parts)
    return net.conv2d(conv, net.relu(relu, net.batch_norm(norm, x)), channels, kernel)


def _block(net: Builder, name: str, x: str, layers: int) -> str:
    """Each layer adds `GROWTH` channels, made of the input's and those of all layers before it."""
    features = [x]
    for index in range(1, layers + 1):
        layer = f"{name}.denselayer{index}"
        joined = net.concat(f"{layer}.concat", features)
        inner = _norm_relu_conv(net, layer, joined, ("norm1", "relu1", "conv1"), INNER, 1)
        features.append(_norm_relu_conv(net, layer, inner, ("norm2", "relu2", "conv2"), GROWTH, 3))
    return net.concat(f"{name}.concat", features)


NETWORKS = {"densenet121": densenet121}
