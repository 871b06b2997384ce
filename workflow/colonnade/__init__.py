# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Column-wise N:M pruning for RISC-V vector CPUs: the library the workflow's rules call.

`load` runs a package in this process.
"""

from colonnade.common.errors import ColonnadeError
from colonnade.runtime.net import Net, load

__all__ = ["ColonnadeError", "Net", "load"]
