# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Under which conditions time is measured: one measurement at a time, and what else the machine does."""

import fcntl
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from colonnade.common.errors import ColonnadeError

# Shares of the machine's time from which on it counts as under load.
OTHERS_PERCENT, STEAL_PERCENT = 5.0, 1.0
# In which all measurements of this machine take turns, whosever they are.
LOCK = "colonnade-measures.lock"


@dataclass(frozen=True)
class Usage:
    """What the machine has done so far, in seconds: all its cores, and this process and its children."""

    now: float
    busy: float
    stolen: float
    own: float
    cores: int

    @classmethod
    def read(cls) -> "Usage":
        """As /proc/stat says it now."""
        lines = Path("/proc/stat").read_text("utf-8").splitlines()
        user, nice, system, _, _, irq, softirq, steal = map(int, lines[0].split()[1:9])
        own = sum(
            used.ru_utime + used.ru_stime
            for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        )
        tick = os.sysconf("SC_CLK_TCK")
        return cls(
            time.monotonic(),
            (user + nice + system + irq + softirq) / tick,
            steal / tick,
            own,
            sum(bool(re.match(r"cpu\d", line)) for line in lines),
        )


@dataclass(frozen=True)
class Conditions:
    """Of a measurement: the clock, and the shares of time that others and the hypervisor took."""

    mhz: float | None
    others_percent: float
    steal_percent: float

    @classmethod
    def between(cls, before: Usage, after: Usage, mhz: float | None) -> "Conditions":
        """From what the machine had done before and after; processes that measured have ended by then."""
        whole = (after.now - before.now) * after.cores
        if whole <= 0:
            return cls(mhz, 0.0, 0.0)
        others = (after.busy - before.busy) - (after.own - before.own)
        stolen = after.stolen - before.stolen
        percent = [min(100.0, max(0.0, 100 * each / whole)) for each in (others, stolen)]
        return cls(mhz, *percent)

    @property
    def under_load(self) -> bool:
        """Whether times say little by themselves."""
        return self.others_percent > OTHERS_PERCENT or self.steal_percent > STEAL_PERCENT

    def columns(self) -> dict[str, Any]:
        """Columns of a table row."""
        return {**vars(self), "under_load": int(self.under_load)}


class Watch:
    """Watches the machine from when it is made."""

    def __init__(self) -> None:
        """Begin now."""
        self._before = Usage.read()
        self._mhz = [clock()]

    def look(self) -> None:
        """Take down the clock once more."""
        self._mhz.append(clock())

    def conditions(self) -> Conditions:
        """From the beginning until now."""
        self.look()
        known = [each for each in self._mhz if each is not None]
        return Conditions.between(self._before, Usage.read(), fmean(known) if known else None)


def clock() -> float | None:
    """Mean clock of the cores in MHz; None where the machine does not tell."""
    found = re.findall(r"^cpu MHz\s*:\s*([\d.]+)", Path("/proc/cpuinfo").read_text("utf-8"), re.M)
    return fmean(map(float, found)) if found else None


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other measurement runs on this machine, and keep others waiting.

    Raises:
        ColonnadeError: the lock cannot be opened.
    """
    path = Path(tempfile.gettempdir(), LOCK)
    try:
        descriptor = _open_lock(path)
    except OSError as error:
        raise ColonnadeError(f"{path}: cannot be opened: {error.strerror}") from error
    with os.fdopen(descriptor):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another measurement runs on this machine: waiting for its end", file=sys.stderr)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _open_lock(path: Path) -> int:
    """Descriptor of the file, made if it is not there: anybody's, so that all users take turns.

    In a folder of everybody kernels refuse to open another user's file with O_CREAT
    (`fs.protected_regular`), so that is asked for only where there is none.

    Raises:
        OSError: it cannot be opened, or made.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC
    with suppress(FileNotFoundError):
        return os.open(path, flags)
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:  # by now another has made it
        return os.open(path, flags)
    # Whatever the umask says.
    os.fchmod(descriptor, 0o666)
    return descriptor
