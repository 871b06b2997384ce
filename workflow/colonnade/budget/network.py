# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The networks that compete on the Pareto front."""

from typing import NamedTuple


class Network(NamedTuple):
    """A trained network: its name, and `dense`, `uniform` or `per layer`."""

    name: str
    kind: str
