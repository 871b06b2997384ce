# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Many networks in one package, so that one run of the emulator has every one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

import colonnade
from colonnade.container import Container
from colonnade.models.fusion import fused
from colonnade.models.module import Network

from . import schedules
from .untrained import write_networks

Array = NDArray[Any]


def difference(actual: Array, expected: Array) -> float:
    """The largest error of an output, in units of its largest number where that is more than one."""
    assert actual.shape == expected.shape
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), 1.0))


class SideBySide:
    """A package with networks by name, and the inputs of each."""

    def __init__(
        self,
        folder: Path,
        networks: Mapping[str, Network],
        inputs: Mapping[str, Sequence[Array]],
    ) -> None:
        self.folder = folder
        self._inputs: dict[str, Array] = {}
        self._outputs: dict[str, list[str]] = {}
        write_networks(folder, {f"{name}.": network for name, network in networks.items()})
        for name, network in networks.items():
            for each, values in zip(network.graph.inputs, inputs[name], strict=True):
                planes = values[:, :, None, None] if values.ndim == 2 else values
                self._inputs[f"{name}.{each.name}"] = np.ascontiguousarray(planes, np.float32)
            # What is left out while training is over may have made an output.
            self._outputs[name] = [f"{name}.{each}" for each in fused(network.graph).outputs]
        save_file(self._inputs, folder / "input.safetensors")
        schedules.write(folder / "schedules.json", schedules.cover(folder, winograd=True))

    def emulated(
        self, command: list[str], toolchain: Container, root: Path
    ) -> dict[str, list[Array]]:
        """What the runner makes of each, started by `command`; its report is in the folder."""
        where = self.folder.relative_to(root)
        files = {key: str(where / f"{key}.safetensors") for key in ("input", "output")}
        toolchain.run(
            [
                *command,
                *("--package", str(where), "--schedules", str(where / "schedules.json")),
                *("--input", files["input"], "--output", files["output"]),
                *("--report", str(where / "report.json")),
            ]
        )
        return self._by_network(load_file(self.folder / "output.safetensors"))

    def in_process(self) -> dict[str, list[Array]]:
        """What each computes in this process."""
        with colonnade.load(self.folder) as net:
            made = net(**self._inputs)
            made = made if isinstance(made, tuple) else (made,)
            return self._by_network(dict(zip(net.outputs, made, strict=True)))

    def _by_network(self, made: Mapping[str, Array]) -> dict[str, list[Array]]:
        assert set(made) == {each for names in self._outputs.values() for each in names}
        return {name: [made[each] for each in names] for name, names in self._outputs.items()}
