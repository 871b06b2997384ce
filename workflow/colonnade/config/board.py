# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A machine that is reached over SSH: the section `board` of a target of that kind."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from colonnade.config.section import Name, Number, Section, Whole

Isa = Literal["riscv64", "aarch64", "x86_64"]


class BoardConfig(Section):
    """How a board is reached, what it has to be, and how it is used."""

    host: str = Field(
        pattern=r"^[A-Za-z0-9:][A-Za-z0-9.:_-]*$", max_length=253, description="Name or address."
    )
    port: Whole = Field(default=22, ge=1, le=65_535, description="Of its SSH server.")
    user: Name = Field(description="Who logs in there.")
    identity_file: Path = Field(
        description="Our private key, by which alone we log in; `~` is the home folder."
    )
    known_hosts: Path = Field(
        default=Path("~/.ssh/known_hosts"),
        description="File with the board's host key; `ssh-keyscan` writes it, its owner compares it.",
    )
    folder: str = Field(
        default=".colonnade-board",
        pattern=r"^[A-Za-z0-9._/][A-Za-z0-9._/-]*$",
        max_length=200,
        description="Folder there, of its own; what is not absolute is below the user's home.",
    )
    isa: Isa = Field(description="For what programs are compiled, as `uname -m` says it there.")
    cores: tuple[Whole, ...] = Field(
        min_length=1,
        max_length=64,
        description="Numbers of the CPUs that programs stay on, at least as many as threads.",
    )
    cool_down_s: Number = Field(
        default=2, ge=0, le=3600, description="Seconds of rest before each program."
    )
    reconnect_s: Number = Field(
        default=120,
        ge=0,
        le=86_400,
        description="Seconds for which a lost connection is tried again.",
    )
    governor: str | None = Field(
        default=None, description="The frequency governor that those CPUs must have; null: any."
    )
    mhz: Number | None = Field(
        default=None,
        gt=0,
        description="The frequency that those CPUs must run at, to 5%; null: any.",
    )
