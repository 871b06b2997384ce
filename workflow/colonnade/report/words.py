# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the report says of the paper, of where claims come from, and of its own words."""

from collections.abc import Mapping

PAPER: Mapping[str, str] = {
    "title": "Efficient Column-Wise N:M Pruning on RISC-V CPU",
    "id": "arXiv:2507.17301",
    "url": "https://arxiv.org/abs/2507.17301",
}

SOURCES: Mapping[str, str] = {
    "abstract": "the paper's abstract",
    "paper": "the paper's results",
    "third-party": "a summary of the paper by others; the number is not in its abstract",
    "ours": "this project",
}
"""Where a claim comes from."""

WORDS: Mapping[str, str] = {
    "column": (
        "one position of the reduction axis of a convolution's weight matrix [Cout, K], K = KH * "
        "KW * Cin, in (kh, kw, cin) order"
    ),
    "tile": (
        "T consecutive output channels, rows of the matrix; all rows of a tile keep the same "
        "columns. T is also MR of the micro-tile that computes it"
    ),
    "N:M": (
        "of each group of M consecutive columns a tile keeps N, as PyTorch and SparseML say it; "
        "`m: full` makes the group all of K. A remainder group keeps its share, rounded up"
    ),
    "sparsity": "the share of columns that is removed: 1 - N / M",
    "VLEN, LMUL": "bits of a vector register; how many registers work as one, m1 to m8",
    "MAC, FMA": (
        "a multiplication and the addition of its product: counted as one; fused, in one "
        "instruction"
    ),
    "im2col": ("the matrix [K, output positions] that turns a convolution into a matrix product"),
    "panel": "NR columns of the packed operand, or of the planes in its place",
    "NC block": (
        "the panels over which all tiles run before the next ones are touched; `panels` of a "
        "schedule"
    ),
    "KC split": (
        "a part of the kept columns, which runs over a whole block before the next part adds to "
        "its results; `kc_splits` of a schedule is their number"
    ),
    "algorithm": (
        "`packed` (im2col fused with packing, as in the paper), `direct` (kept columns are byte "
        "offsets into planes, nothing is packed), `dense` (any of them, every column kept); "
        "`unfused` packs in a pass of its own, for comparison; `winograd2` and `winograd4` are "
        "Winograd's, of dense 3x3 convolutions, in tiles of 2x2 and 4x4 outputs"
    ),
    "schedule": "how one convolution is executed: algorithm, T, LMUL, panels, KC splits",
    "candidate": (
        "a schedule that the configuration allows and the registers can hold: (T + 1) * LMUL <= 32"
    ),
    "trial": "a candidate that was run",
    "implementation": (
        "how the runner executes a whole network: `colnm_tuned`, `xnnpack_nhwc_dense` and so on, "
        "the rows of `kernels/runner/implementations.cc`"
    ),
    "band": (
        "cores that differ in what is not known of the real one: a file of `kernels/timing/bands/`"
    ),
}
"""Words of the report, as docs/glossary.md has them."""
