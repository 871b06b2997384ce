# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Column-wise N:M pruning for RISC-V vector CPUs: the library the workflow's rules call.

`load` runs a package in this process.
"""

from typing import TYPE_CHECKING, Any

from colonnade.common.errors import ColonnadeError

__all__ = ["ColonnadeError", "Net", "load"]

if TYPE_CHECKING:
    from colonnade.runtime.net import Net, load
else:

    def __getattr__(name: str) -> Any:
        # Every command imports this; numpy is for those who run a package.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from colonnade.runtime import net

        return getattr(net, name)
