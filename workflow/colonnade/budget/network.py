"""The networks that compete on the Pareto front."""

from pathlib import Path
from typing import NamedTuple


class Network(NamedTuple):
    """A trained network: its name, `dense`, `uniform` or `per layer`, and its checkpoint."""

    name: str
    kind: str
    checkpoint: Path
