# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The timing model of the working tree, and what its parts do when asked."""

from pathlib import Path
from typing import Any

from colonnade.validation import Region, TimingModel

ROOT = Path(__file__).resolve().parents[2]
WORK = Path("results/build/timing-tests")
CORE = "kernels/timing/cores/x60.json"


class TestedModel(TimingModel):
    """Paths are relative to the repository, as the container sees it."""

    __test__ = False

    def regions(self, program: str | Path, *, core: str = CORE, **options: Any) -> list[Region]:
        """Run a program under the model and return its regions in order."""
        return self.run(Path(program), core=Path(core), **options)[0]

    def dump(self, *arguments: str, stdin: str = "") -> list[str]:
        """Lines that a part of the model prints (see model_dump.c)."""
        command = [f"{WORK}/model-dump", *arguments]
        return self.container.run(command, stdin=stdin.encode()).stdout.splitlines()
