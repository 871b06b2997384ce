# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Reads the operations of a source one after the other, and collects all that cannot be imported."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from colonnade.common.errors import ColonnadeError, some
from colonnade.models.graph import Graph
from colonnade.models.importing.origins import SourceNames, source_names
from colonnade.models.importing.recorder import Recorder
from colonnade.models.importing.simplify import simplified
from colonnade.models.importing.tensors import Array
from colonnade.models.importing.values import (
    OF_CONSTANTS,
    OF_THE_BATCH,
    Constant,
    OpenSizeError,
    Tensor,
    UnsupportedError,
    Value,
)
from colonnade.models.module import Network, without_storage

UNKNOWN = "not supported"
# Elements that a folded constant may have.
MAX_FOLDED = 1 << 28


@dataclass(frozen=True)
class Imported:
    """A network, and the parameters of its torch module by name."""

    graph: Graph
    state: dict[str, Array]
    source: SourceNames | None = None
    """Where parameters are others in the torch module that it was exported from, or computed there."""

    def network(self) -> Network:
        """The torch module, with these parameters."""
        network = without_storage(self.graph)
        network.load_state_dict(self.tensors(), assign=True)
        return network

    def tensors(self) -> dict[str, torch.Tensor]:
        """The parameters as tensors of torch."""
        return {key: torch.from_numpy(np.array(each)) for key, each in self.state.items()}


@dataclass
class Operation:
    """An operation of the source: what it is called, what it reads and its attributes."""

    kind: str
    name: str
    inputs: Sequence[Any]
    attributes: Mapping[str, Any]
    outputs: Sequence[str]
    opset: int = 0

    @property
    def tensor(self) -> Tensor:
        """Its first input.

        Raises:
            UnsupportedError: a constant.
        """
        return self.tensor_at(0)

    def tensor_at(self, index: int) -> Tensor:
        """One of its inputs, which must be a tensor."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if not isinstance(value, Tensor):
            raise UnsupportedError(f"input {index} is no tensor that the network computes")
        return value

    def constant(self, index: int, what: str) -> Constant:
        """One of its inputs, which must be a constant; `what` is what it means."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if not isinstance(value, Constant):
            raise UnsupportedError(f"{what} is no constant")
        return value

    def optional(self, index: int, what: str) -> Constant | None:
        """One of its inputs, a constant or left out."""
        if index >= len(self.inputs) or self.inputs[index] is None:
            return None
        return self.constant(index, what)


Handler = Callable[[Recorder, Operation], Value | Sequence[Value]]
"""Imports an operation: what it returns is its first output, or all of them."""


@dataclass
class Reading:
    """Values by name, and refusals; an operation that reads what was refused is left out."""

    where: str
    handlers: Mapping[str, Handler]
    shaping: frozenset[str]
    """The operations that look at sizes themselves: what they make of them is checked by them."""
    net: Recorder = field(default_factory=Recorder)
    known: dict[str, Value | None] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    module: Mapping[str, tuple[int, ...]] | None = None
    """The sizes of the parameters of the torch module that it was exported from, by name."""
    varies: bool = False
    """Whether sizes that are looked at are those of an example: no node may hold what follows."""
    others: dict[str, str] = field(default_factory=dict)
    """Outputs behind the first one, which nothing may read, with what makes them."""

    def refuse(self, operation: Operation, reason: str) -> None:
        """Note that an operation cannot be imported; what it makes is unknown."""
        self.refused.append(f"{operation.kind} {operation.name!r}: {reason}")
        self.known |= dict.fromkeys(operation.outputs)

    def run(self, operation: Operation) -> None:
        """Import one operation."""
        handler = self.handlers.get(operation.kind)
        if handler is None:
            self.refuse(operation, UNKNOWN)
            return
        try:
            self._check_open(operation)
            made = handler(self.net, operation)
        except UnsupportedError as error:
            self.refuse(operation, str(error))
        # Attributes and constants of any number and type reach the arithmetic of shapes.
        except (ValueError, TypeError, IndexError, KeyError, ArithmeticError) as error:
            self.refuse(operation, f"attributes or constants that do not fit: {error}")
        else:
            values = [made] if isinstance(made, Tensor | Constant) else list(made)
            self.known |= dict.fromkeys(operation.outputs)
            self.known |= dict(zip(operation.outputs, values, strict=False))
            unread = filter(None, operation.outputs[len(values) :])
            self.others |= dict.fromkeys(unread, operation.kind)

    def _check_open(self, operation: Operation) -> None:
        if operation.kind in self.shaping:
            return
        for given in operation.inputs:
            for each in given if isinstance(given, list) else [given]:
                if isinstance(each, Constant) and each.sized:
                    if self.varies:
                        raise OpenSizeError(f"{each.name!r} follows")
                    self.net.is_fixed = True

    def finished(self, outputs: Sequence[str]) -> Imported:
        """The network that makes these values.

        Raises:
            ColonnadeError: naming all that cannot be imported, and what can if an operation is unknown.
        """
        made: dict[str, Tensor] = {}
        if not self.refused:
            for name in outputs:
                value = self.known.get(name)
                if isinstance(value, Tensor):
                    made[name] = value
                else:
                    self.refused.append(f"output {name!r}: no tensor that the network computes")
        if not self.refused:
            try:
                graph = self.net.graph(made)
            except UnsupportedError as error:
                self.refused.append(str(error))
            else:
                graph, state = simplified(graph, self.net.state)
                if self.module is None:
                    return Imported(graph, state)
                return Imported(graph, state, source_names(state, self.net.origins, self.module))
        refused = self.refused
        if any(OF_THE_BATCH in each for each in refused):
            # One mistake, of which each norm's counter of batches would be another.
            refused = [each for each in refused if not each.endswith(OF_CONSTANTS)]
        told = f"{self.where}: {len(refused)} cannot be imported: {some(refused)}"
        if any(each.endswith(UNKNOWN) for each in refused):
            told += f"; supported: {', '.join(sorted(self.handlers))}"
        raise ColonnadeError(told)
