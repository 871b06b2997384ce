# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where things lie in a checkout: each place that more than one module or rule names, once.

Paths are relative to the checkout, which is the working directory of every job. What does not depend on
the configuration lies in `results` itself; all other results in the folder that it gives them.
"""

from dataclasses import dataclass
from pathlib import Path

# The one that these modules lie in, unless they were installed without it.
OWN_CHECKOUT = Path(__file__).parents[3]
RESULTS = Path("results")
BUILD = RESULTS / "build"
IMAGE = RESULTS / "toolchain/image.json"
BASELINE = RESULTS / "baseline/throughput.csv"
LAYER_BASELINE = RESULTS / "baseline/layers.json"
NIGHTS = Path(".colonnade/nights.sqlite")
# Folders of `results` that all runs of a checkout share: those of rules, and what `make docs`, `release`,
# `riscv-programs` and `snakemake wheel` write.
SHARED = frozenset(
    ("baseline", "build", "data", "docs", "release", "riscv-programs", "toolchain", "wheel")
)
# Names in `results` that no folder of results of its own can have.
TAKEN = SHARED | frozenset(
    (
        *("accuracy", "baselines", "budget", "comparison", "cores", "figures", "inputs", "logs"),
        *(
            "nightly",
            "packages",
            "photographs",
            "profile",
            "refined",
            "report",
            "retuned",
            "sensitivity",
            "settings",
            "small-study",
        ),
        *("study", "tables", "throughput", "train", "tuner"),
    )
)
# In every folder of results: what a run's results share, where its numbers come from, and copies of the
# files of the checkout that they depend on.
SCOPE = "scope.json"
PROVENANCE = "provenance.json"
CHECKLIST = "checklist.txt"
MADE_WITH = "inputs"

DEFAULT_CONFIG = Path("config/default.yaml")
CLAIMS = Path("config/claims.yaml")
TARGETS = Path("config/targets")
BANDS = Path("kernels/timing/bands")
CORES = Path("kernels/timing/cores")
# The core whose published measurements the timing model is validated with.
VALIDATED_CORE = CORES / "x60.json"

# Targets on which networks that were tuned for the configured one are timed too.
OTHER_TARGETS = ("c908", "x280")

RUNNER = "colonnade-run"
BENCH = "colonnade-bench"
PROBE = "colonnade-probe"
PROGRAMS = (RUNNER, BENCH, PROBE, "colonnade-tests")
# Built when asked for, beside those of RISC-V: it needs OpenBLAS, and oneDNN where its sources are given.
BASELINES = "colonnade-baselines"
ONEDNN_SOURCE = BUILD / "onednn-source"
# What `colonnade.load` runs packages with; built for this machine alone.
LIBRARY = "libcolonnade.so"
# The engines that networks are compared with, and which of them could not be installed.
PEERS = Path(".colonnade/peers")
PEERS_LIST = Path(".colonnade/peers.tsv")
# What makes a folder a package, and where `optimize` leaves one in its own folder.
GRAPH = "graph.json"
PACKAGE = "package"
# A network with ImageNet's weights, and photographs.
PHOTOGRAPH_PACKAGES = Path(".colonnade/photographs")
# In the toolchain's image.
QEMU = "/opt/qemu/bin/qemu-riscv64"
QEMU_AARCH64 = "/opt/qemu/bin/qemu-aarch64"
TIMING_MODEL = BUILD / "timing/libcolonnade-timing.so"


def program(part: str, name: str) -> Path:
    """A program, of `PROGRAMS` or `BASELINES`, as built for `riscv64`, `aarch64` or `host`."""
    return BUILD / part / name


def table_file(name: str) -> str:
    """A table of the results contract, in a folder of results."""
    return f"tables/{name}.csv"


@dataclass(frozen=True)
class Results:
    """A folder of results; `folder` may be a wildcard of the workflow."""

    folder: str

    @property
    def scope(self) -> str:
        """What all results of the folder share; see `colonnade.workflow.scope`."""
        return f"{self.folder}/{SCOPE}"

    @property
    def page(self) -> str:
        """The report."""
        return f"{self.folder}/report.html"

    def section(self, name: str) -> str:
        """One section of the report."""
        return f"{self.folder}/report/{name}.html"

    def settings(self, digest: str) -> str:
        """What jobs were given of the configuration; see `colonnade.workflow.settings`."""
        return f"{self.folder}/settings/{digest}.json"

    def table(self, name: str) -> str:
        """A table of the results contract."""
        return f"{self.folder}/{table_file(name)}"

    def checkpoint(self, variant: str) -> str:
        """A trained network."""
        return f"{self.folder}/train/{variant}.safetensors"

    def study(self, run: str, seed: str, suffix: str) -> str:
        """A network of the accuracy study (`safetensors`), or its evaluation (`json`)."""
        return f"{self.folder}/study/{run}/{seed}.{suffix}"

    def small_study(self, run: str, seed: str, suffix: str) -> str:
        """The same of the small study."""
        return f"{self.folder}/small-study/{run}/{seed}.{suffix}"


def package_below(folder: Path) -> str:
    """What to tell of a folder that is no package but has one, as `optimize` makes it; else nothing."""
    inner = folder / PACKAGE
    if (folder / GRAPH).exists() or not (inner / GRAPH).is_file():
        return ""
    return f"; the package is {inner}"
