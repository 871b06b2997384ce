# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Small networks of a user's as packages, and a program in the place of the runner."""

import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import ImageNetConfig
from colonnade.config.target import TargetConfig
from colonnade.container import CompletedRun
from colonnade.models.builder import IMAGE, Builder
from colonnade.models.graph import Graph, Input
from colonnade.models.importing.reading import Imported
from colonnade.models.module import Network
from colonnade.package.export import export_package
from colonnade.targets.target import as_given
from colonnade.training.imported import write_imported


def classifier(classes: int = 3) -> Graph:
    """Reads `image`, makes one number for each class."""
    net = Builder(IMAGE)
    pooled = net.global_avg_pool("pool", net.relu("relu", net.conv2d("conv", "image", 4, 3, 2)))
    return net.graph(net.fully_connected("head", pooled, classes))


def pair() -> Graph:
    """Reads `image` and `other`; makes features of both, and a map."""
    net = Builder(IMAGE, Input(name="other", channels=2))
    both = net.add(
        "both",
        net.conv2d("first", "image", 4, 3, bias=True),
        net.conv2d("second", "other", 4, 1),
    )
    features = net.fully_connected("head", net.global_avg_pool("pool", both), 5)
    return net.graph(features, net.relu("map", both))


def of_sizes(graph: Graph, *sizes: tuple[int, ...]) -> Graph:
    """The graph as it is imported with inputs of these sizes."""
    inputs = zip(graph.inputs, sizes, strict=True)
    return replace(
        graph, inputs=tuple(each.model_copy(update={"size": size}) for each, size in inputs)
    )


def write_package(
    folder: Path, graph: Graph, seed: int = 1, data: ImageNetConfig | None = None
) -> Path:
    """Write `package` into a folder, and the checkpoint that it was exported from beside it."""
    write_network(folder / "dense.safetensors", graph, seed, data)
    export_package(folder / "dense.safetensors", folder / "package")
    return folder / "package"


def write_network(
    checkpoint: Path, graph: Graph, seed: int, data: ImageNetConfig | None = None
) -> Path:
    """Write a checkpoint of a graph with random weights, and return its name."""
    torch.manual_seed(seed)
    network = Network(graph)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5)
    state = {key: each.numpy() for key, each in network.state_dict().items()}
    write_imported(Imported(graph, state), "small", 16, checkpoint, data)
    return checkpoint


# Takes its arguments down, gives its input back as its output, and reports what lies beside it.
_RUNNER = """#!/bin/sh
here={folder}
printf '%s\\n' "$@" >"$here/arguments"
while [ $# -gt 0 ]; do
    case $1 in
        --input) input=$2 ;;
        --output) output=$2 ;;
        --report) report=$2 ;;
        --package) package=$2 ;;
    esac
    shift
done
ls "$package" >"$here/packaged"
cp "$input" "$output"
cp "$here/report" "$report"
"""


def write_runner(folder: Path, report: Mapping[str, Any]) -> Path:
    """Write such a program, which takes down what it was called with: see `arguments_of`."""
    (folder / "report").write_text(json.dumps(report), "utf-8")
    return write_program(folder / "colonnade-run", _RUNNER.format(folder=folder))


def write_program(path: Path, text: str) -> Path:
    """Write a program that can be executed."""
    path.write_text(text, "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def arguments_of(folder: Path) -> dict[str, str]:
    """Options and their values of the last run of the program in a folder."""
    return paired((folder / "arguments").read_text("utf-8").splitlines())


def paired(words: Sequence[str]) -> dict[str, str]:
    """Words that are options and their values by turns."""
    assert all(each.startswith("--") for each in words[::2])
    return dict(zip(words[::2], words[1::2], strict=True))


EMULATED = TargetConfig(kind="emulated", vlen=256, core=Path("core.json"), clock_ghz=1.6)


class RecordedRunner:
    """A container that does in the runner's place as the program above, and keeps what it was asked."""

    def __init__(self, report: Mapping[str, Any], fails: str = "") -> None:
        self.report, self.fails = report, fails
        self.commands: list[list[str]] = []

    @property
    def options(self) -> dict[str, str]:
        """Of the last command, files by the names that they were given."""
        command = self.commands[-1]
        words = command[command.index("--package") :]
        return {key: as_given(value) for key, value in paired(words).items()}

    def run(self, command: Sequence[str], **_: Any) -> CompletedRun:
        """Write output and report, or something half and then fail."""
        self.commands.append(list(command))
        asked = self.options
        Path(asked["--output"]).write_bytes(Path(asked["--input"]).read_bytes())
        if self.fails:
            raise ColonnadeError(self.fails)
        Path(asked["--report"]).write_text(json.dumps(self.report), "utf-8")
        return CompletedRun("", "")
