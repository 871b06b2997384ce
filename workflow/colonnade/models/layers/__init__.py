# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The layer types, one file each; a new one is a file and a line of `LAYERS`."""

from colonnade.models.layers.affine import Affine
from colonnade.models.layers.avg_pool2d import AvgPool2d
from colonnade.models.layers.batch_norm import BatchNorm
from colonnade.models.layers.binary import Binary
from colonnade.models.layers.channel_shuffle import ChannelShuffle
from colonnade.models.layers.concat import Concat
from colonnade.models.layers.conv2d import Conv2d, Convolution
from colonnade.models.layers.dropout import Dropout
from colonnade.models.layers.flatten import Flatten
from colonnade.models.layers.fully_connected import FullyConnected, Linear
from colonnade.models.layers.global_pool import GlobalPool
from colonnade.models.layers.group_norm import GroupNorm
from colonnade.models.layers.local_response_norm import LocalResponseNorm
from colonnade.models.layers.max_pool2d import MaxPool2d
from colonnade.models.layers.node import Node
from colonnade.models.layers.pad import Pad
from colonnade.models.layers.slice import Slice
from colonnade.models.layers.softmax import Softmax
from colonnade.models.layers.unary import Clip, Elu, HardSigmoid, LeakyRelu, Prelu, Unary
from colonnade.models.layers.upsample2d import Upsample2d

__all__ = [
    "LAYERS",
    "Affine",
    "AvgPool2d",
    "BatchNorm",
    "Binary",
    "ChannelShuffle",
    "Clip",
    "Concat",
    "Conv2d",
    "Convolution",
    "Dropout",
    "Elu",
    "Flatten",
    "FullyConnected",
    "GlobalPool",
    "GroupNorm",
    "HardSigmoid",
    "LeakyRelu",
    "Linear",
    "LocalResponseNorm",
    "MaxPool2d",
    "Node",
    "Pad",
    "Prelu",
    "Slice",
    "Softmax",
    "Unary",
    "Upsample2d",
]

LAYERS: tuple[type[Node], ...] = (
    Affine,
    AvgPool2d,
    BatchNorm,
    Binary,
    ChannelShuffle,
    Clip,
    Concat,
    Conv2d,
    Dropout,
    Elu,
    Flatten,
    GlobalPool,
    GroupNorm,
    HardSigmoid,
    LeakyRelu,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Pad,
    Prelu,
    Slice,
    Softmax,
    Unary,
    Upsample2d,
)
"""Every layer type of a network; each has an `op` of its own, or else a `function`."""
