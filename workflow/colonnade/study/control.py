# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The study's control: what fine-tuning alone does to the dense network.

A training that harms what is not pruned at all says little about what is pruned: it is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HOLDS, REFUSED = "holds", "refused"


@dataclass(frozen=True)
class Control:
    """Points of validation top-1 that the dense network loses by fine-tuning, and may lose."""

    drop_points: float
    allowed_points: float

    @classmethod
    def of(
        cls, trained: Sequence[float], finetuned: Sequence[float], allowed_points: float
    ) -> "Control":
        """From validation top-1 (shares) of the same seeds, as trained and as fine-tuned."""
        drops = 100 * (np.array(trained) - np.array(finetuned))
        return cls(float(drops.mean()), allowed_points)

    @property
    def verdict(self) -> str:
        """`holds`, or `refused`."""
        # Shares of images are not exact in binary.
        return HOLDS if self.drop_points <= self.allowed_points + 1e-9 else REFUSED

    @property
    def message(self) -> str:
        """What to say where it is refused."""
        return (
            f"study.training.finetune: {REFUSED}: the dense network loses {self.drop_points:.2f}"
            f" points of validation top-1 by it; allowed: study.control_drop_points:"
            f" {self.allowed_points:g}; `snakemake recipe-search` compares others"
        )
