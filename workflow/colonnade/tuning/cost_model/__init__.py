# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The cost model: what a convolution takes under a schedule, predicted without running it.

    work      a convolution under a schedule, in positions, columns, lines and bytes
    memory    where kernel calls find their lines: in L1, L2 or memory
    model     the cost of a schedule, and the ranking of candidates by it
    calls     what calls of a kernel cost, and rows of im2col
    simulations   keeps that in the profile cache

A call's cost comes from its very instructions: the kernels' template is rendered as for a build
(`assembly`), its instructions are classified as the timing model does (`operations`) and executed as far
as they decide what comes next (`execution`), and what was executed runs through a model of the core
(`pipeline`).
"""
