# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The layer types, one file each; a new one is a file and a line of `LAYERS`."""

from colonnade.models.layers.add import Add
from colonnade.models.layers.batch_norm import BatchNorm
from colonnade.models.layers.conv2d import Conv2d, Convolution
from colonnade.models.layers.fully_connected import FullyConnected
from colonnade.models.layers.global_avg_pool import GlobalAvgPool
from colonnade.models.layers.max_pool2d import MaxPool2d
from colonnade.models.layers.node import Node
from colonnade.models.layers.relu import Relu

__all__ = [
    "LAYERS",
    "Add",
    "BatchNorm",
    "Conv2d",
    "Convolution",
    "FullyConnected",
    "GlobalAvgPool",
    "MaxPool2d",
    "Node",
    "Relu",
]

LAYERS: tuple[type[Node], ...] = (
    Add,
    BatchNorm,
    Conv2d,
    FullyConnected,
    GlobalAvgPool,
    MaxPool2d,
    Relu,
)
"""Every layer type of a network, by its `op`."""
