# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Programs of the machine that some tests need, and what becomes of a test where one is missing.

It is skipped and says why; where COLONNADE_ALL_INSTALLED is 1, as `.ci/run` sets it once it has installed
everything, it fails.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import NoReturn

import pytest

# The names that each program goes by, of which one is enough; and the Debian package that has it.
PACKAGES: Mapping[str, tuple[Sequence[str], str]] = {
    "chromium": (("chromium", "chromium-browser", "google-chrome"), "chromium"),
    "dockerd": (("dockerd",), "docker.io"),
    "mmdebstrap": (("mmdebstrap",), "mmdebstrap"),
    "munged": (("munged",), "munge"),
    "newuidmap": (("newuidmap",), "uidmap"),
    "podman": (("podman",), "podman"),
    "slurmctld": (("slurmctld",), "slurm-wlm"),
    "ssh": (("ssh",), "openssh-client"),
    "sshd": (("sshd",), "openssh-server"),
}
# Services lie where users do not look.
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def require(program: str) -> str:
    """The path of a program; ends the test where it is not installed."""
    names, package = PACKAGES[program]
    found = next(filter(None, (shutil.which(name, path=PATH) for name in names)), None)
    if found is None:
        missing(f"{program} is not installed (Debian's package {package})")
    return found


def missing(reason: str) -> NoReturn:
    """End a test for want of what it needs."""
    if os.environ.get("COLONNADE_ALL_INSTALLED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
