"""Where code runs: emulated RISC-V under the timing model, or this host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from colonnade.config import TargetConfig
from colonnade.errors import ColonnadeError

QEMU = "/opt/qemu/bin/qemu-riscv64"
PLUGIN = "libcolonnade-timing.so"
Evidence = Literal["measured", "modelled"]


class Runner(Protocol):
    """What a target needs of a toolchain container: see `colonnade.container.Container`."""

    def run(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> "Finished":
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
        return "modelled" if self.config.kind == "emulated" else "measured"

    @property
    def vlen(self) -> int:
        """VLEN in bits; 0 where there is no vector extension."""
        return self.config.vlen or 0

    def with_core(self, core: Path) -> "Target":
        """The same target with another core of the timing model."""
        return replace(self, config=self.config.model_copy(update={"core": core}))

    def milliseconds(self, cycles: int) -> float:
        """Time of modelled cycles at the target's clock."""
        if self.config.clock_ghz is None:
            raise ColonnadeError(f"target {self.name}: has no clock_ghz, so cycles have no time")
        return cycles / (self.config.clock_ghz * 1e6)

    def run(self, program: str, arguments: Sequence[str], *, timing: Path | None) -> str:
        """Run a program of `results/build` and return what it prints.

        Args:
            program: its name, such as `colonnade-run`.
            arguments: its arguments.
            timing: scratch file of the timing model, relative to the checkout; None runs without
                the model, faster and without cycles. Ignored on the host.

        Raises:
            ColonnadeError: it failed.
        """
        if self.config.kind == "host":
            return self.container.run([f"results/build/host/{program}", *arguments]).stdout
        command = [QEMU, "-cpu", f"rv64,v=true,vlen={self.vlen}"]
        env = {}
        if timing is not None:
            plugin = f"results/build/timing/{PLUGIN}"
            command += ["-plugin", f"{plugin},core={self.config.core},out={timing}"]
            env = {"COLONNADE_TIMING": str(timing)}
        command += [f"results/build/riscv64/{program}", *arguments]
        return self.container.run(command, env=env).stdout
