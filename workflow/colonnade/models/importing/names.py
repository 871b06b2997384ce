# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Names of an imported network's nodes: parts of paths of torch modules, and each but once."""

import re

from torch import nn

_LONGEST = 200
# Weights' names say what module they belong to.
_ENDS = (".weight", ".bias", ".running_mean", ".running_var")


class Names:
    """Gives names out. A node of torch is a module: its name is no part of another one's path."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._parents: set[str] = set()

    def take(self, name: str) -> None:
        """No node may have this name."""
        self._taken.add(name)
        parts = name.split(".")
        self._parents |= {".".join(parts[:count]) for count in range(1, len(parts))}

    def free(self, wanted: str) -> str:
        """A name like the one that is wanted, without dots."""
        plain = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_")[-_LONGEST:] or "node"
        name, count = _allowed(plain), 1
        while not self._is_free(name):
            count += 1
            name = f"{_allowed(plain)}_{count}"
        self.take(name)
        return name

    def of_weight(self, weight: str, node: str) -> str:
        """The module that a weight is named after, or else the name of its node."""
        for end in _ENDS:
            path = weight.removesuffix(end)
            if path != weight and re.fullmatch(r"\w+(\.\w+)*", path, re.ASCII):
                parts = [_allowed(part) for part in path.split(".")]
                name = ".".join(parts)
                if self._is_free(name) and len(name) <= _LONGEST:
                    self.take(name)
                    return name
        return self.free(node)

    def _is_free(self, name: str) -> bool:
        parts = name.split(".")
        above = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
        return not above & self._taken and name not in self._parents


_MODULE = nn.Module()


def _allowed(part: str) -> str:
    """A part of a path that is no attribute of every module, nor what checkpoints call masks."""
    return f"{part}_" if hasattr(_MODULE, part) or part in ("graph", "mask") else part
