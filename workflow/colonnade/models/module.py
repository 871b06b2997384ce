# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network as a torch module, built from its nodes."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from colonnade.models.graph import Graph
from colonnade.models.layers import Affine, BatchNorm, Binary, Conv2d, Node
from colonnade.models.networks import network

# Layers whose gradient does not need what they made, so that it may be overwritten.
_OVERWRITABLE = (Affine, BatchNorm, Conv2d)


class Network(nn.Module):
    """The module of a graph, before fusion; each node's module has the node's dotted name."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self._finished = [list(names) for names in _last_reads(graph)]
        makers = {node.output: node for node in graph.nodes}
        reads = graph.reads
        for node in graph.nodes:
            module = node.module()
            if isinstance(module, nn.ReLU | nn.ReLU6):
                source = node.sources[0]
                alone = reads[source] == 1 and source not in graph.stages
                module.inplace = alone and _may_overwrite(makers.get(source))
            self._register(node.name, module)

    def _register(self, name: str, module: nn.Module) -> None:
        *parents, own = name.split(".")
        parent: nn.Module = self
        for each in parents:
            if each not in parent._modules:
                parent.add_module(each, nn.Module())
            parent = parent.get_submodule(each)
        parent.add_module(own, module)

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The outputs for inputs [N, C, H, W] in the graph's order; a single one by itself."""
        known = self._named(inputs)
        for _ in self._run(known):
            pass
        outputs = tuple(known[name] for name in self.graph.outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def walk(self, *inputs: Tensor) -> Iterator[tuple[Node, tuple[Tensor, ...]]]:
        """Each node with what it is about to read, in execution order; it runs before the next one.

        Whoever changes a node's weights in between has what follows computed with them.
        """
        return self._run(self._named(inputs))

    def _named(self, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
        return dict(zip([each.name for each in self.graph.inputs], inputs, strict=True))

    def _run(self, known: dict[str, Tensor]) -> Iterator[tuple[Node, tuple[Tensor, ...]]]:
        for node, finished in zip(self.graph.nodes, self._finished, strict=True):
            given = tuple(known[source] for source in node.sources)
            yield node, given
            known[node.output] = self.get_submodule(node.name)(*given)
            for name in finished:
                del known[name]

    def maker(self, tensor: str) -> nn.Module:
        """The module that makes a tensor of the graph."""
        (node,) = [node for node in self.graph.nodes if node.output == tensor]
        return self.get_submodule(node.name)


def _may_overwrite(maker: Node | None) -> bool:
    """Whether the gradient of the node that made a tensor does without it."""
    if isinstance(maker, Binary):
        return maker.function in ("add", "sub")
    return isinstance(maker, _OVERWRITABLE)


def _last_reads(graph: Graph) -> Iterator[set[str]]:
    """For each node the tensors that no later one reads, so that their memory is free."""
    last: dict[str, Node] = {}
    for node in graph.nodes:
        last |= dict.fromkeys([*node.sources, node.output], node)
    for node in graph.nodes:
        yield {name for name, reader in last.items() if reader is node} - set(graph.outputs)


def without_storage(graph: Graph) -> Network:
    """The module of a graph, whose parameters have no storage yet: none is drawn only to be overwritten.

    To draw some even so, on such a device, would import PyTorch's compiler: a second.
    """
    with torch.device("meta"):
        return Network(graph)


def build(name: str, num_classes: int) -> Network:
    """A network with weights drawn from torch's global generator (Kaiming normal, fan out).

    Raises:
        ColonnadeError: no such model, or fewer than one class.
    """
    model = Network(network(name, num_classes))
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return model
