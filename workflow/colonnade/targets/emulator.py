# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The emulator's command line, in the toolchain container: which CPU it is, and the timing model."""

from collections.abc import Sequence
from pathlib import Path

from colonnade.common.paths import QEMU, QEMU_AARCH64, TIMING_MODEL


def emulator(vlen: int, *, half_precision: bool = True) -> list[str]:
    """The command that a RISC-V program and its arguments follow.

    Args:
        vlen: bits of a vector register.
        half_precision: whether the CPU computes in f16, in scalars and in vectors.
    """
    f16 = ",zfh=true,zvfh=true" if half_precision else ""
    return [QEMU, "-cpu", f"rv64,v=true,vlen={vlen}{f16}"]


def emulator_aarch64(*, half_precision: bool = True) -> list[str]:
    """The command that an Arm program and its arguments follow; nothing models its time.

    Args:
        half_precision: whether the CPU computes in f16, by FEAT_FP16.
    """
    return [QEMU_AARCH64, "-cpu", "cortex-a76" if half_precision else "cortex-a72"]


def timed(
    core: Path,
    regions: Path,
    model: Path = TIMING_MODEL,
    *,
    beside: Sequence[tuple[Path, Path]] = (),
) -> list[str]:
    """Options of the emulator that run a program under the timing model.

    Args:
        core: the core's description.
        regions: file that the model writes, a JSON line for each marked region.
        model: the built model. All paths are as the container sees them.
        beside: more cores of the same VLEN, each with its file: the program runs once, and takes on each
            of them the cycles that it would take alone.
    """
    pairs = [(core, regions), *beside]
    return ["-plugin", ",".join([str(model), *(f"core={c},out={out}" for c, out in pairs)])]
