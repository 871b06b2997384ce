# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Whole kernels that others timed on a K1, and what the model says of ours that do the same.

Sources: `rvv-bench` camel-cdr/rvv-bench-results; `sbc-bench` ThomasKaiser/sbc-bench,
results/8to7qX.txt; `rvv-gemm` AlexanderGSC/rvv-gemm, its table and its study of tiles; XNNPACK pull
requests by number. All on a K1 at 1.6 GHz. The kernels are in kernels/timing/validation, named as the
programs print them.

Rates of rvv-bench in L1 are those between working sets of 2967 and 9394 bytes, so that the fixed
cost of its calls cancels: of published rates r, 6427 / (9394 / r(9394) - 2967 / r(2967)).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["fitted", "held out"]
Kind = Literal["element-wise", "memory", "GEMM", "convolution", "several cores", "C908", "X280"]
Run = tuple[str, int]
"""A kernel of a validation program and its size, as it prints them."""

SMALL, LARGE = 2967, 9394
STREAM = 8 << 20
CLOCK_GHZ = 1.6


@dataclass(frozen=True)
class KernelPoint:
    """A published number and how it follows from the modelled cycles of `runs`.

    `exception` says why a point is left out of what the model is held to, where it is.
    """

    name: str
    group: Kind
    source: str
    unit: str
    published: float
    role: Role
    runs: tuple[Run, ...]
    value: Callable[[Sequence[int]], float]
    exception: str = ""


def _in_l1(name: str, kernel: str, page: str, published: float, role: Role) -> KernelPoint:
    return KernelPoint(
        name=f"{name}, L1",
        group="element-wise",
        source=f"rvv-bench bpi_f3/{page}.html",
        unit="bytes/cycle",
        published=published,
        role=role,
        runs=((kernel, SMALL), (kernel, LARGE)),
        value=lambda cycles: (LARGE - SMALL) / (cycles[1] - cycles[0]),
    )


def _rate(
    name: str,
    run: Run,
    work: int,
    unit: str,
    published: float,
    source: str,
    role: Role,
    *,
    group: Kind = "element-wise",
    scale: float = 1,
    exception: str = "",
) -> KernelPoint:
    """Work done for each cycle, times `scale`."""
    return KernelPoint(
        name, group, source, unit, published, role, (run,), lambda c: scale * work / c[0], exception
    )


def _time(name: str, run: Run, published: float, source: str, role: Role) -> KernelPoint:
    """Nanoseconds of the whole run."""
    return KernelPoint(
        name, "element-wise", source, "ns", published, role, (run,), lambda c: c[0] / CLOCK_GHZ
    )


def _chase(chains: int, level: str, published: float, role: Role) -> KernelPoint:
    """Nanoseconds in which each of the chains advances by one line."""
    steps = (1 << 15) // chains
    run = (f"chase-{chains}-{level}", steps)
    return KernelPoint(
        name=f"{chains} pointer chain{'s' if chains > 1 else ''}, {level.upper()}",
        group="memory",
        source="sbc-bench ramlat",
        unit="ns",
        published=published,
        role=role,
        runs=(run,),
        value=lambda cycles: cycles[0] / steps / CLOCK_GHZ,
    )


def _stream(name: str, kernel: str, published: float, source: str, role: Role) -> KernelPoint:
    """Megabytes a second from and to DRAM."""
    run = (kernel, STREAM)
    scale = CLOCK_GHZ * 1000
    return _rate(
        f"{name}, DRAM", run, STREAM, "MB/s", published, source, role, group="memory", scale=scale
    )


def _pixels(name: str, published: float) -> KernelPoint:
    source = "rvv-bench bpi_f3/mandelbrot.html"
    run = (f"mandelbrot-{name}", 96)
    return _rate(
        f"mandelbrot f32 {name}", run, 96**2, "pixels/cycle", published, source, "held out"
    )


def _read(name: str, kernel: str, page: str, published: float, exception: str) -> KernelPoint:
    """A loop that only reads; published is the median rate of working sets of 2 to 20 MB."""
    return _rate(
        f"{name}, DRAM",
        (kernel, STREAM),
        STREAM,
        "bytes/cycle",
        published,
        f"rvv-bench bpi_f3/{page}.html",
        "held out",
        group="memory",
        exception=exception,
    )


def _gemm(
    name: str,
    run: Run,
    published: float,
    role: Role,
    *,
    group: Kind = "GEMM",
    of: int = 2000,
    exception: str = "",
) -> KernelPoint:
    """Seconds of 2000 x 3000 x 100 in f32; a run computes some of the 2000 rows."""
    return KernelPoint(
        f"f32 2000x3000x100, {name}",
        group,
        "rvv-gemm Readme.md",
        "s",
        published,
        role,
        (run,),
        lambda cycles: cycles[0] * of / run[1] / CLOCK_GHZ / 1e9,
        exception,
    )


def _milliseconds(
    name: str, group: Kind, run: Run, published: float, pull: int, batches: int = 1
) -> KernelPoint:
    """Milliseconds of as many times the run."""
    return KernelPoint(
        name,
        group,
        f"XNNPACK #{pull}",
        "ms",
        published,
        "held out",
        (run,),
        lambda cycles: batches * cycles[0] / CLOCK_GHZ / 1e6,
    )


_ALONE = (
    "This page has reading alone slower than sbc-bench has reading and writing on the same board, and m4"
    " slower than m2: no memory can be both."
)
_FIRST_FAULT = "The published loop loads with vle8ff.v, whose cost on this core is not public."
_EIGHT = (
    "Eight cores need 4.9 times less time than one that does half of their work. What holds them up is"
    " not public: it is neither the memory bus (2 of its 10 GB/s) nor their instructions."
)


KERNEL_POINTS = [
    _in_l1("memcpy m1", "copy-m1", "memcpy", 3.925, "held out"),
    _in_l1("memcpy m2", "copy-m2", "memcpy", 4.512, "fitted"),
    _in_l1("memcpy m4", "copy-m4", "memcpy", 4.885, "held out"),
    _in_l1("memcpy m8", "copy-m8", "memcpy", 5.095, "fitted"),
    _in_l1("memset m1", "fill-m1", "memset", 5.269, "fitted"),
    _in_l1("utf8_count m1", "count-m1", "utf8_count", 1.846, "fitted"),
    _in_l1("utf8_count m2", "count-m2", "utf8_count", 3.363, "held out"),
    _in_l1("utf8_count m4", "count-m4", "utf8_count", 5.103, "held out"),
    _in_l1("utf8_count m8", "count-m8", "utf8_count", 6.844, "held out"),
    _pixels("scalar", 0.00081),
    _pixels("m1", 0.0058053),
    _pixels("m2", 0.0075096),
    _time("qs8-vadd u2v, 10560", ("add-quantised", 10560), 13591, "XNNPACK #7904", "held out"),
    _time("qs8-vadd u2v, 87360", ("add-quantised", 87360), 113030, "XNNPACK #7904", "held out"),
    _rate(
        "memset, L2",
        ("fill-m8", 62186),
        62186,
        "bytes/cycle",
        7.64,
        "rvv-bench bpi_f3/memset.html libc",
        "fitted",
        group="memory",
    ),
    _stream("copy of words", "copy-words", 2775.9, "sbc-bench tinymembench C copy", "fitted"),
    _stream("memcpy", "copy-m8", 2623.8, "sbc-bench tinymembench memcpy", "held out"),
    _stream("memset", "fill-m8", 7181.3, "sbc-bench tinymembench memset", "fitted"),
    _read("utf8_count m1", "count-m1", "utf8_count", 0.95, _ALONE),
    _read("utf8_count m2", "count-m2", "utf8_count", 1.53, _ALONE),
    _read("utf8_count m4", "count-m4", "utf8_count", 1.03, _ALONE),
    _read("strlen m1", "find-zero-m1", "strlen", 0.31, _FIRST_FAULT),
    _chase(1, "l1", 1.257, "fitted"),
    _chase(2, "l1", 1.253, "held out"),
    _chase(4, "l1", 2.546, "held out"),
    _chase(8, "l1", 5.129, "fitted"),
    _chase(1, "l2", 24.49, "fitted"),
    _chase(2, "l2", 24.94, "held out"),
    _chase(4, "l2", 40.46, "held out"),
    _chase(8, "l2", 73.96, "fitted"),
    _chase(1, "dram", 212.0, "fitted"),
    _chase(2, "dram", 218.6, "held out"),
    _chase(4, "dram", 227.4, "held out"),
    _chase(8, "dram", 437.8, "fitted"),
    _gemm("scalar", ("gemm-scalar", 4), 2.881, "fitted"),
    _gemm("vectorised by GCC, m1", ("gemm-compiler", 8), 0.812, "held out"),
    _gemm("vfmul and vfadd, m8", ("gemm-multiply-add", 8), 0.776, "held out"),
    _gemm("vfmacc, m8", ("gemm-fused", 8), 0.708, "fitted"),
    _gemm("tiles of 32, m8", ("gemm-tiles-32", 32), 0.712, "held out"),
    _gemm("tiles of 50, m8", ("gemm-tiles-50", 50), 0.310, "fitted"),
    _gemm("tiles of 64, m8", ("gemm-tiles-64", 64), 0.320, "held out"),
    _gemm("tiles of 128, m8", ("gemm-tiles-128", 128), 0.452, "held out"),
    _gemm("four rows, m4", ("gemm-four-rows", 64), 0.211, "fitted"),
    _milliseconds(
        "f32 batch 12x384x384x64, packed, 4x4v",
        "GEMM",
        ("batch-vectors-64", 384),
        29.111,
        10690,
        12,
    ),
    _milliseconds(
        "f32 batch 4x384x384x32, packed, 4x4v", "GEMM", ("batch-vectors-32", 384), 5.964, 10690, 4
    ),
    _milliseconds(
        "f32 batch 12x384x384x64, packed, scalar",
        "GEMM",
        ("batch-scalar-64", 384),
        153.323,
        10690,
        12,
    ),
    _milliseconds(
        "f32 batch 4x384x384x32, packed, scalar", "GEMM", ("batch-scalar-32", 384), 26.478, 10690, 4
    ),
    _milliseconds(
        "qs8 depthwise 3x3, 112x112x32", "convolution", ("depthwise-32", 112), 18.568, 7638
    ),
    _milliseconds(
        "qs8 depthwise 3x3, 112x112x64 to 56x56",
        "convolution",
        ("depthwise-64", 112),
        9.100,
        7638,
    ),
    _milliseconds(
        "qs8 depthwise 3x3, 56x56x128", "convolution", ("depthwise-128", 56), 17.784, 7638
    ),
    # 64 tiles on 8 cores: four blocks of 64 rows each, of which the run has one.
    _gemm(
        "eight sums, m2, 8 cores",
        ("gemm-eight-cores", 512),
        0.043,
        "held out",
        group="several cores",
        of=4 * 512,
        exception=_EIGHT,
    ),
]
