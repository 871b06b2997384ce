# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where what is compiled for this machine lies: in an installed package, or in a checkout's results."""

from pathlib import Path

from colonnade.common import paths
from colonnade.common.errors import ColonnadeError

# As setup.py fills it.
INSTALLED = Path(__file__).parents[1] / "native"


def native(name: str) -> Path:
    """The shared library, or a program that runs on this machine without a container.

    Raises:
        ColonnadeError: it is not built.
    """
    built = paths.OWN_CHECKOUT / paths.program("host", name)
    for path in (INSTALLED / name, built):
        if path.is_file():
            return path
    raise ColonnadeError(
        f"{built}: not built yet; `snakemake kernels_host` in a checkout of Colonnade builds it,"
        " `snakemake wheel` a package that holds it"
    )
