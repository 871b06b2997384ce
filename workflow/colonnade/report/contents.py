# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which sections the report can have, in their order, and which target of the workflow asks for each.

The page of a target has its own sections and those of `full-run`. What else could be made it names, with
the command that makes it.
"""

from collections.abc import Collection
from dataclasses import dataclass

BASE = "full-run"


@dataclass(frozen=True)
class Section:
    """A section: its file and anchor, its heading, and the target that asks for it.

    With a short name it stands in the page's navigation; without one it is part of the section before.
    """

    name: str
    title: str
    short: str = ""
    target: str = BASE


SECTIONS = (
    Section("claims", "Claims", "Claims"),
    Section("throughput", "Throughput", "Throughput"),
    Section("accuracy", "Accuracy", "Accuracy"),
    Section("small_study", "Methods at equal budget, on few images"),
    Section("study", "Patterns and recipes at equal budget", target="accuracy-study"),
    Section("tile_curve", "Top-1 and time against the tile", target="tile-curve"),
    Section("pareto", "A pattern for every layer", target="pareto-front"),
    Section("photographs", "What it sees in photographs", "Photographs", "photographs"),
    Section(
        "comparison", "Against other engines on this machine", "Other engines", "host-comparison"
    ),
    Section("layers", "Where the time goes", "Where the time goes"),
    Section("cycles", "What the cycles went to"),
    Section("bounds", "How far the kernels are from the bound"),
    Section("packing", "What packing costs"),
    Section("decomposition", "Where the speedup comes from", target="kernel-figures"),
    Section("dense_baselines", "Against other dense convolutions", target="dense-baselines"),
    Section("schedules", "Schedules chosen by profiling", "Schedules"),
    Section("refinement", "Schedules refined inside the network"),
    Section("tuner_quality", "What tuning missed", target="tuner-quality"),
    Section("validation", "How far the model can be trusted", "Trust in the model"),
    Section(
        "sensitivity",
        "What does not depend on the unknown parameters",
        "Unknown parameters",
        "artifact-evaluation",
    ),
    Section("nightly", "Cycles over nights", "Nights", "nightly-cycles"),
    Section("words", "Words", "Words"),
    Section("provenance", "Provenance", "Provenance"),
)


def on_page(possible: Collection[str], requested: Collection[str]) -> list[str]:
    """Names of the sections of a page, in order.

    Args:
        possible: the sections that this configuration can have: some are of the timing model alone.
        requested: the targets of this run of the workflow.
    """
    asked = {BASE, *requested}
    return [each.name for each in SECTIONS if each.name in possible and each.target in asked]


def left_out(possible: Collection[str], shown: Collection[str]) -> list[str]:
    """Those of `possible` that are not shown, in order."""
    return [each.name for each in SECTIONS if each.name in possible and each.name not in shown]
