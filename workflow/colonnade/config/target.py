# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Targets, where code runs: files of `config/targets/`, one for each.

A target names its core, a description for the timing model in `kernels/timing/cores`; all else that is
known of an emulated target comes from there. A board has one for its VLEN and for the order in which
schedules are tried.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_record
from colonnade.config.board import BoardConfig, Isa
from colonnade.config.errors import validated
from colonnade.config.section import InputFile, Number, Section, Whole
from colonnade.config.sources import read_yaml

Part = Literal["riscv64", "aarch64", "host"]
_PARTS: Mapping[Isa, Part] = {"riscv64": "riscv64", "aarch64": "aarch64", "x86_64": "host"}


class TargetFile(Section):
    """A file of `config/targets/`: `core` describes the CPU and, of an emulated one, its timing."""

    kind: Literal["emulated", "host", "board"] = Field(
        description="`emulated`: under QEMU, time modelled; `host`: this machine, time measured;"
        " `board`: another machine over SSH, time measured."
    )
    core: InputFile | None = Field(
        default=None, description="The core's description, a file of `kernels/timing/cores`."
    )
    board: BoardConfig | None = Field(default=None, description="How a board is reached.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        has_core = self.is_emulated or (self.board is not None and self.board.isa == "riscv64")
        for key, needed in (("board", self.kind == "board"), ("core", has_core)):
            if (getattr(self, key) is None) == needed:
                verb = "needs" if needed else "has no"
                isa = "" if self.board is None or key == "board" else f" of ISA {self.board.isa}"
                raise ValueError(f"kind: {self.kind}: a target of this kind{isa} {verb} {key}")
        return self

    @property
    def is_emulated(self) -> bool:
        """Whether code runs under QEMU and its time is modelled."""
        return self.kind == "emulated"

    @property
    def part(self) -> Part:
        """For what the programs are built: the part of `colonnade build`."""
        if self.board is not None:
            return _PARTS[self.board.isa]
        return "riscv64" if self.is_emulated else "host"


class TargetConfig(TargetFile):
    """A target with what its core's description says of it: VLEN in bits, and the clock in GHz."""

    vlen: Literal[128, 256, 512, 1024] | None = None
    clock_ghz: Number | None = Field(default=None, gt=0, le=100)

    @model_validator(mode="after")
    def _described(self) -> Self:
        described = {"vlen": self.vlen, "clock_ghz": self.clock_ghz}
        has_core = self.core is not None
        wrong = [key for key, value in described.items() if (value is None) == has_core]
        if wrong:
            verb = "needs" if has_core else "has no"
            raise ValueError(f"kind: {self.kind}: a target of this kind {verb} {', '.join(wrong)}")
        return self


class _Cores(BaseModel):
    count: Whole = Field(ge=1)


class Core(BaseModel):
    """What a core's description says of the machine, beside its timing."""

    vlen: Literal[128, 256, 512, 1024]
    clock_mhz: Number = Field(gt=0, le=100_000)
    cores: _Cores


def read_core(path: Path) -> Core:
    """Read a core's description.

    Raises:
        ColonnadeError: it is missing or damaged.
    """
    return read_record(path, Core)


def load_target(targets: Path, name: str) -> TargetConfig:
    """Read `<name>.yaml` of the folder `targets`, and what its core's description says.

    Raises:
        ColonnadeError: there is no such target, or its file or the core's is wrong.
    """
    known = sorted(file.stem for file in targets.glob("*.yaml"))
    if name not in known:
        allowed = ", ".join(known)
        raise ColonnadeError(f"target: {name!r}; allowed: {allowed} (files of {targets})")
    path = targets / f"{name}.yaml"
    values = read_yaml(path)
    file = validated(TargetFile, values, str(path))
    if file.core is None:
        return TargetConfig(kind=file.kind, board=file.board)
    core = read_core(file.core)
    return TargetConfig(
        kind=file.kind,
        core=file.core,
        board=file.board,
        vlen=core.vlen,
        clock_ghz=core.clock_mhz / 1000,
    )
