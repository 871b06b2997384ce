# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How the cycles of nightly runs went, commit by commit."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from colonnade.report.figures import COLOURS, MARKERS, clear, legend_above, svg


def trend(history: Mapping[str, Sequence[tuple[str, int]]]) -> str:
    """Cycles of every run over the nights, in percent of its first; `history` has commit and cycles."""
    commits = list(dict.fromkeys(commit for nights in history.values() for commit, _ in nights))
    figure = Figure(figsize=(8.5, 3.5 + 0.2 * len(history)))
    axes = figure.add_subplot()
    for index, (run, nights) in enumerate(history.items()):
        first = nights[0][1]
        axes.plot(
            [commits.index(commit) for commit, _ in nights],
            [100 * cycles / first for _, cycles in nights],
            marker=MARKERS[index % len(MARKERS)],
            color=COLOURS[index % len(COLOURS)],
            label=run,
        )
    axes.set_xticks(range(len(commits)), [commit[:8] for commit in commits], rotation=45)
    axes.set_ylabel("modelled cycles, % of the first night's")
    legend_above(axes, 1)
    clear(axes)
    return svg(figure, "Modelled cycles of nightly runs by commit")
