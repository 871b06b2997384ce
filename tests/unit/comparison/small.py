# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A small network as a checkpoint, for what is compared."""

from pathlib import Path

import torch
from torch import nn

from colonnade.models.builder import IMAGE, Builder
from colonnade.models.importing.reading import Imported
from colonnade.models.module import Network
from colonnade.package.untrained import Variant
from colonnade.training.imported import write_imported


def small_network() -> Network:
    """A convolution with a normalisation that is not the initial one, and two classes."""
    net = Builder(IMAGE)
    normalised = net.batch_norm("norm", net.conv2d("conv", "image", 4, 3, 2))
    pooled = net.global_avg_pool("pool", net.relu("relu", normalised))
    network = Network(net.graph(net.fully_connected("head", pooled, 2)))
    torch.manual_seed(5)
    for key, value in network.state_dict().items():
        if "running_var" in key:
            value.uniform_(0.5, 1.5)
        elif value.is_floating_point():
            nn.init.normal_(value, std=0.5)
    return network.eval()


def write_small_variant(folder: Path) -> Variant:
    """Write its checkpoint; there is no package."""
    network = small_network()
    state = {key: each.numpy() for key, each in network.state_dict().items()}
    checkpoint = folder / "dense.safetensors"
    write_imported(Imported(network.graph, state), "small", 16, checkpoint)
    return Variant("dense", 0.0, checkpoint, folder / "none")
