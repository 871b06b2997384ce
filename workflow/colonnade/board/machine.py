# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a board says it is, and whether that is what its target's file says."""

from collections.abc import Sequence

from pydantic import BaseModel

from colonnade.common.errors import ColonnadeError
from colonnade.config.board import BoardConfig

# Of a frequency that is expected.
_TOLERANCE = 0.05


class Cpu(BaseModel):
    """One CPU; what the kernel does not tell is None. Frequencies are in MHz."""

    cpu: int
    governor: str | None
    mhz: float | None
    max_mhz: float | None


class Machine(BaseModel):
    """What `colonnade-probe` prints there.

    `vlen` is in bits: 0 without vectors, None where there is no such thing. `l2_bytes` is the size of the
    first CPU's second cache. `load` is that of the last minute; `celsius` that of the first thermal zone.
    """

    machine: str
    kernel: str
    board: str | None
    cpu_model: str | None
    isa: str | None
    vlen: int | None
    l2_bytes: int | None
    cpus: list[Cpu]
    load: float | None
    celsius: float | None
    memory_mb: float

    def identity(self) -> dict[str, object]:
        """What does not change while it runs, and decides how long programs take."""
        fields = ("machine", "kernel", "board", "cpu_model", "isa", "vlen")
        cpus = [(each.cpu, each.governor, each.max_mhz) for each in self.cpus]
        return {**{name: getattr(self, name) for name in fields}, "cpus": cpus}

    def slowest_mhz(self, cores: Sequence[int]) -> float | None:
        """The lowest frequency of some CPUs now; None where it tells none."""
        told = [each.mhz for each in self.cpus if each.cpu in cores and each.mhz is not None]
        return min(told, default=None)


def check_machine(machine: Machine, config: BoardConfig, vlen: int | None, name: str) -> None:
    """Make sure that a board is what target `name` says; `vlen` is that of its core's description.

    Raises:
        ColonnadeError: one line for each thing that it is not.
    """
    found = [*_wrong_cpu(machine, config, vlen), *_wrong_cores(machine, config)]
    if found:
        raise ColonnadeError("\n".join(f"target {name}: {each}" for each in found))


def _wrong_cpu(machine: Machine, config: BoardConfig, vlen: int | None) -> list[str]:
    if machine.machine != config.isa:
        return [f"board.isa: {config.isa}; the board is {machine.machine}"]
    if vlen is None or machine.vlen == vlen:
        return []
    if machine.vlen == 0:
        return [f"core: of VLEN {vlen}; the board has no vector extension"]
    return [f"core: of VLEN {vlen}; the board has VLEN {machine.vlen}"]


def _wrong_cores(machine: Machine, config: BoardConfig) -> list[str]:
    known = {each.cpu: each for each in machine.cpus}
    missing = [number for number in config.cores if number not in known]
    if missing:
        allowed = ", ".join(map(str, sorted(known)))
        return [f"board.cores: {', '.join(map(str, missing))}; allowed there: {allowed}"]
    wrong = []
    for cpu in (known[number] for number in config.cores):
        if config.governor is not None and cpu.governor != config.governor:
            found = cpu.governor or "none that it tells"
            wrong.append(f"board.governor: {config.governor}; CPU {cpu.cpu} has {found}")
        if config.mhz is not None and not _near(cpu.mhz, config.mhz):
            found = "tells none" if cpu.mhz is None else f"runs at {cpu.mhz:g}"
            wrong.append(f"board.mhz: {config.mhz:g}; CPU {cpu.cpu} {found}")
    return wrong


def _near(mhz: float | None, expected: float) -> bool:
    return mhz is not None and abs(mhz - expected) <= _TOLERANCE * expected
