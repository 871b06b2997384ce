# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where code runs: emulated RISC-V under the timing model, this host, or a board over SSH."""

import hashlib
import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

from colonnade.board.board import Board
from colonnade.common import paths
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file
from colonnade.common.paths import PROBE, TIMING_MODEL
from colonnade.config.target import TargetConfig
from colonnade.results.provenance import cpu_model
from colonnade.targets.emulator import emulator, timed

Evidence = Literal["measured", "modelled"]


class Runner(Protocol):
    """What running programs needs of a toolchain container: see `colonnade.container.Container`."""

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> "Finished":
        """Run a command in the container."""


class Finished(Protocol):
    """A finished command."""

    @property
    def stdout(self) -> str:
        """What it printed."""


@dataclass(frozen=True)
class Target:
    """A target ready to run the programs of `kernels/`.

    Paths in commands are relative to the checkout, which is the working directory inside a container.
    """

    name: str
    config: TargetConfig
    container: Runner

    @property
    def evidence(self) -> Evidence:
        """What kind of time this target gives."""
        return "modelled" if self.config.is_emulated else "measured"

    def need_model(self, what: str) -> None:
        """Make sure that time is modelled here, for what only the timing model can tell.

        Raises:
            ColonnadeError: it is measured, so there is no `what`.
        """
        if self.evidence != "modelled":
            raise ColonnadeError(
                f"{what}: time on target {self.name} is measured; only the timing model of an"
                " emulated target can tell"
            )

    @property
    def vlen(self) -> int:
        """VLEN in bits; 0 where there is no vector extension."""
        return self.config.vlen or 0

    def milliseconds(self, cycles: int) -> float:
        """Time of modelled cycles at the target's clock."""
        if self.config.clock_ghz is None:
            raise ColonnadeError(f"target {self.name}: has no clock_ghz, so cycles have no time")
        return cycles / (self.config.clock_ghz * 1e6)

    def fingerprint(self, program: str) -> str:
        """Hex SHA-256 over all that decides how long a program takes here.

        That is the instruction set and VLEN, the program itself, and either the timing model with
        its core description, this machine's CPU, or what the board says it is and how it is used.

        Raises:
            ColonnadeError: the program or the timing model is not built, or the board cannot be asked.
        """
        parts: dict[str, Any] = {"vlen": self.vlen, "program": self.program_sha256(program)}
        if self.config.board is not None:
            used = self.config.board.model_dump(mode="json", include={"cores", "cool_down_s"})
            parts |= {"machine": self.board.machine.identity(), **used}
        elif self.config.core is None:
            parts |= {"isa": platform.machine(), "cpu": cpu_model()}
        else:
            parts |= {"isa": "rv64gcv", "core": _digest(self.config.core)}
            parts["model"] = _digest(TIMING_MODEL)
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def program_sha256(self, program: str) -> str:
        """Hex SHA-256 of a program: all that decides what it computes here, but not how fast.

        Raises:
            ColonnadeError: it is not built.
        """
        return _digest(self._path(program))

    def _path(self, program: str) -> Path:
        return paths.program(self.config.part, program)

    def run(
        self,
        program: str,
        arguments: Sequence[str | Path],
        *,
        timing: Path | None,
        beside: Sequence[tuple[Path, Path]] = (),
        reads: Sequence[Path] = (),
        writes: Sequence[Path] = (),
        log: Path | None = None,
    ) -> str:
        """Run a program of `results/build` and return what it prints.

        Args:
            program: its name, such as `colonnade-run`.
            arguments: its arguments; what is a path, relative to the checkout, must be given as one, so
                that modelled cycles do not depend on its length.
            timing: scratch file of the timing model, relative to the checkout; None runs without
                the model, faster and without cycles. Ignored where time is measured.
            beside: see `command`.
            reads: files and folders that the arguments name for it to read, relative to the checkout.
            writes: files that they name for it to write.
            log: file for all that it prints, written as it arrives.

        Raises:
            ColonnadeError: it failed.
        """
        if self.config.board is not None:
            words = [str(each) for each in arguments]
            return self.board.run(self._path(program), words, reads, writes, log)
        command, env = self.command(program, timing=timing, beside=beside)
        modelled = self.config.is_emulated and timing is not None
        words = [
            of_one_length(each) if modelled and isinstance(each, Path) else str(each)
            for each in arguments
        ]
        try:
            return self.container.run([*command, *words], env=env, log=log).stdout
        except ColonnadeError as error:
            raise ColonnadeError(as_given(str(error))) from None

    @cached_property
    def board(self) -> Board:
        """The board, connected until `close`.

        Raises:
            ColonnadeError: the target is none, or cannot be reached.
        """
        return Board(self.name, self.config).__enter__()

    def close(self) -> None:
        """Disconnect from a board, if we are connected."""
        connected = vars(self).pop("board", None)
        if connected is not None:
            connected.__exit__()

    def command(
        self, program: str, *, timing: Path | None, beside: Sequence[tuple[Path, Path]] = ()
    ) -> tuple[list[str], dict[str, str]]:
        """The command line, without arguments, and the variables that `run` runs a program with here.

        With `beside`, more cores of the target's VLEN, each with a file like `timing`, the model
        simulates the run on them too. Under the model, a program has no other variables than that which
        names the file, and all paths have one length: its stack and heap lie where they always do.

        Raises:
            ColonnadeError: the core's description lies outside the checkout.
        """
        path = str(self._path(program))
        if self.config.core is None:
            return [path], {}
        command = emulator(self.vlen)
        if timing is None:
            return [*command, path], {}
        core = inside_checkout(self.config.core, f"target {self.name}: core")
        variables = ["env", "-i", f"COLONNADE_TIMING={of_one_length(timing)}"]
        model = [*timed(core, timing, beside=beside), "-0", program]
        return [*variables, *command, *model, of_one_length(Path(path))], {}

    def check_built(self, program: str) -> None:
        """Make sure that a program, and the timing model where the target has one, are built.

        Raises:
            ColonnadeError: they are not; the message has the command that builds them.
        """
        needed, rules = [self._path(program)], f"kernels_{self.config.part}"
        if self.config.is_emulated:
            needed, rules = [*needed, TIMING_MODEL], f"{rules} timing_model"
        if self.config.board is not None:
            needed = [*needed, self._path(PROBE)]
        missing = [str(path) for path in needed if not path.is_file()]
        if missing:
            raise ColonnadeError(
                f"{', '.join(missing)}: not built yet; `snakemake {rules}` builds what is missing"
            )


def inside_checkout(path: Path, what: str) -> Path:
    """A path relative to the checkout, which is our working directory, for a command in a container.

    Raises:
        ColonnadeError: it leads out of the checkout, which is all that the container sees.
    """
    relative = os.path.relpath(path)
    if relative.split(os.sep, 1)[0] == os.pardir:
        raise ColonnadeError(
            f"{what}: {path}: lies outside the checkout, where the toolchain container cannot read it"
        )
    return Path(relative)


# Bytes of a path under the timing model, or a multiple of it.
_LENGTH = 256


def of_one_length(path: Path) -> str:
    """A name of the same file that has as many bytes as that of any other, but a very long one.

    What a guest keeps of its arguments lies on its stack and heap, and moves what lies there beside it.
    """
    if path.is_absolute():
        return str(path)
    name = os.fsencode(path)
    slashes = -(len(name) + 3) % _LENGTH + 2
    return "." + "/" * slashes + str(path)


def as_given(text: str) -> str:
    """Text with the names of `of_one_length` as they were."""
    return re.sub(r"(?<!\.)\./{2,}", "", text)


def _digest(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise ColonnadeError(f"{path}: cannot be read: {error.strerror}") from error
