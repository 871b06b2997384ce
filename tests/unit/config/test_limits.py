# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a configuration may say is what the programs take: their limits are in their own sources."""

import re
from pathlib import Path
from typing import get_args

import click
import pytest
from pydantic import TypeAdapter, ValidationError

from colonnade.cli import nightly, optimizing, packages
from colonnade.common import limits
from colonnade.config import section
from colonnade.config.section import VECTOR_REGISTERS
from colonnade.models.layers.node import MAX_NAME, Name
from colonnade.package import graph as package_graph
from colonnade.package.graph import Graph
from colonnade.runtime.net import load
from colonnade.tuning.choice import SCHEDULES_VERSION
from colonnade.validation import band, classes

KERNELS = Path(__file__).resolve().parents[3] / "kernels"


def constant(file: str, name: str) -> int:
    (value,) = re.findall(rf"\b{name} = ([^;]+);", (KERNELS / file).read_text("utf-8"))
    base, _, shift = re.sub(r"size_t\{(\d+)\}", r"\1", value).partition(" << ")
    return int(base) << int(shift or 0)


def option(program: str, name: str) -> int:
    """The most that a program's numeric option takes, a constant of all programs."""
    source = (KERNELS / program / "main.cc").read_text("utf-8")
    (most,) = re.findall(rf'"--{name}",[^;]*?Range\(\w+, (kMax\w+)\)', source)
    return constant("common/run_limits.h", most)


def command_option(command: click.Command, name: str) -> int | None:
    """The most that a command's numeric option takes."""
    (kind,) = (each.type for each in command.params if each.name == name)
    assert isinstance(kind, click.IntRange)
    return None if kind.max is None else int(kind.max)


def test_tiles_are_those_that_kernels_have() -> None:
    source = (KERNELS / "include/colonnade/registers.h").read_text("utf-8")
    (registers,) = re.findall(r"#define COLNM_VECTOR_REGISTERS (\d+)", source)
    assert int(registers) == VECTOR_REGISTERS
    # One accumulator a row, and a panel vector.
    assert section.MAX_TILE == package_graph.MAX_TILE == VECTOR_REGISTERS - 1


def test_panels_and_kc_splits_are_taken_by_bench_and_runner() -> None:
    assert constant("common/size_limits.h", "kMaxPanels") >= section.MAX_PANELS
    assert constant("common/size_limits.h", "kMaxKcSplits") >= section.MAX_KC_SPLITS


@pytest.mark.parametrize("program", ["bench", "runner"])
def test_threads_are_taken_by_the_programs(program: str) -> None:
    assert option(program, "threads") == limits.PROGRAM_THREADS >= limits.MAX_THREADS


def test_threads_are_taken_by_the_library() -> None:
    source = (KERNELS / "api/colonnade.cc").read_text("utf-8")
    assert "options.threads > kMaxThreads" in source
    header = (KERNELS / "api/colonnade.h").read_text("utf-8")
    assert re.findall(r"unsigned threads;.*1 to (\d+)", header) == [str(limits.PROGRAM_THREADS)]
    assert f"1 to {limits.PROGRAM_THREADS}" in str(load.__doc__)


def test_threads_are_cores_of_the_timing_model() -> None:
    source = (KERNELS / "timing/src/params.h").read_text("utf-8")
    (cores,) = re.findall(r"MAX_CORES = (\d+),", source)
    assert int(cores) == constant("common/run_limits.h", "kMaxModelledThreads")
    assert int(cores) == limits.MAX_THREADS
    # A team's size and its members have a byte in a marker.
    decode = (KERNELS / "timing/src/decode.h").read_text("utf-8")
    (most,) = re.findall(r"TEAM_NUMBER = (0x\w+)", decode)
    assert int(cores) <= int(most, 16)


def test_cores_of_a_band_and_their_costs_are_taken_by_the_timing_model() -> None:
    plugin = (KERNELS / "timing/src/plugin.c").read_text("utf-8")
    (models,) = re.findall(r"MAX_MODELS = (\d+),", plugin)
    assert int(models) == 1 + band.MAX_CORES
    params = (KERNELS / "timing/src/params.c").read_text("utf-8")
    (cost,) = re.findall(r"MAX_COST = (\d+),", params)
    assert int(cost) == classes.MOST


def test_commands_take_the_threads_of_what_they_run() -> None:
    for command in (packages.run, packages.bench, nightly.nightly_network, nightly.nightly_run):
        assert command_option(command, "threads") == limits.PROGRAM_THREADS
    # Tuning runs with a configuration.
    assert command_option(optimizing.optimize, "threads") == limits.MAX_THREADS


@pytest.mark.parametrize(
    ("program", "name"), [("bench", "repetitions"), ("runner", "repetitions"), ("runner", "warmup")]
)
def test_repetitions_are_taken_by_the_programs(program: str, name: str) -> None:
    assert option(program, name) == limits.PROGRAM_RUNS >= limits.MAX_REPETITIONS
    # Their sum is counted in 32 bits.
    assert 2 * limits.PROGRAM_RUNS < 2**32


@pytest.mark.parametrize("name", ["repetitions", "warmup"])
def test_the_command_takes_as_many_repetitions(name: str) -> None:
    assert command_option(packages.bench, name) == limits.PROGRAM_RUNS


def test_names_are_as_long_as_the_runner_reads_them() -> None:
    assert constant("common/size_limits.h", "kMaxName") == MAX_NAME
    name = TypeAdapter[str](Name)
    assert name.validate_python("\u00fc" * (MAX_NAME // 2))
    for wrong in ("", "a" * (MAX_NAME + 1), "\u00fc" * (MAX_NAME // 2 + 1)):
        with pytest.raises(ValidationError):
            name.validate_python(wrong)


def test_versions_of_files_are_those_that_the_runner_reads() -> None:
    assert constant("runner/package.cc", "kVersion") == package_graph.VERSION
    assert get_args(Graph.model_fields["version"].annotation) == (package_graph.VERSION,)
    assert constant("runner/schedules.h", "kSchedulesVersion") == SCHEDULES_VERSION


def test_the_runner_reads_what_its_fuzz_target_is_given() -> None:
    source = (KERNELS / "fuzz/fuzz_input.cc").read_text("utf-8")
    assert re.findall(r'"version": (\d+)', source) == [str(package_graph.VERSION)]
