# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""VGG-16, with torchvision's names.

Architecture: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition"
(arXiv 1409.1556), configuration D. Its classifier takes maps of 7 by 7: images of 224 to 255 pixels.
"""

from colonnade.models.builder import IMAGE, Builder
from colonnade.models.graph import Graph

_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
HIDDEN = 4096
SIDE = 7


def vgg16(classes: int) -> Graph:
    """Stages of 3x3 convolutions, each halved by a pool, and three fully connected layers."""
    net = Builder(IMAGE)
    x, index, ends = IMAGE.name, 0, []
    for channels, depth in _STAGES:
        for _ in range(depth):
            x = net.conv2d(f"features.{index}", x, channels, 3, bias=True)
            x = net.relu(f"features.{index + 1}", x)
            index += 2
        x = net.max_pool2d(f"features.{index}", x, 2, 2, 0)
        index += 1
        ends.append(x)
    width = net.channels(x) * SIDE * SIDE
    x = net.flatten("flatten", x)
    for index in (0, 3):
        x = net.fully_connected(f"classifier.{index}", x, HIDDEN, in_features=width)
        x = net.relu(f"classifier.{index + 1}", x)
        x = net.dropout(f"classifier.{index + 2}", x, 0.5)
        width = HIDDEN
    return net.graph(net.fully_connected("classifier.6", x, classes, "logits"), stages=tuple(ends))


NETWORKS = {"vgg16": vgg16}
