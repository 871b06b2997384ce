# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Whole kernels that others timed on a K1, and what the model says of ours that do the same.

Sources: `rvv-bench` camel-cdr/rvv-bench-results; `sbc-bench` ThomasKaiser/sbc-bench,
results/8to7qX.txt; XNNPACK pull requests by number. All on a BPI-F3 at 1.6 GHz. The kernels are in
kernels/timing/validation, named as `main.c` prints them.

Rates of rvv-bench in L1 are those between working sets of 2967 and 9394 bytes, so that the fixed
cost of its calls cancels: of published rates r, 6427 / (9394 / r(9394) - 2967 / r(2967)).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["fitted", "held out"]
Run = tuple[str, int]
"""A kernel of the validation program and its size, as it prints them."""

SMALL, LARGE = 2967, 9394
STREAM = 8 << 20
CLOCK_GHZ = 1.6


@dataclass(frozen=True)
class KernelPoint:
    """A published number and how it follows from the modelled cycles of `runs`."""

    name: str
    group: str
    source: str
    unit: str
    published: float
    role: Role
    runs: tuple[Run, ...]
    value: Callable[[Sequence[int]], float]


def _in_l1(name: str, kernel: str, page: str, published: float, role: Role) -> KernelPoint:
    return KernelPoint(
        name=f"{name}, L1",
        group="kernel",
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
    group: str = "kernel",
    scale: float = 1,
) -> KernelPoint:
    """Work done for each cycle, times `scale`."""
    return KernelPoint(
        name, group, source, unit, published, role, (run,), lambda c: scale * work / c[0]
    )


def _time(name: str, run: Run, published: float, source: str, role: Role) -> KernelPoint:
    """Nanoseconds of the whole run."""
    return KernelPoint(
        name, "kernel", source, "ns", published, role, (run,), lambda c: c[0] / CLOCK_GHZ
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


def _read(name: str, kernel: str, page: str, published: float) -> KernelPoint:
    """A loop that only reads; published is the median rate of working sets of 2 to 20 MB."""
    source = f"rvv-bench bpi_f3/{page}.html"
    run = (kernel, STREAM)
    return _rate(
        f"{name}, DRAM", run, STREAM, "bytes/cycle", published, source, "held out", group="memory"
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
    _read("utf8_count m1", "count-m1", "utf8_count", 0.95),
    _read("utf8_count m2", "count-m2", "utf8_count", 1.53),
    _read("utf8_count m4", "count-m4", "utf8_count", 1.03),
    _read("strlen m1", "find-zero-m1", "strlen", 0.31),
    _chase(1, "l1", 1.257, "fitted"),
    _chase(2, "l1", 1.253, "held out"),
    _chase(4, "l1", 2.546, "held out"),
    _chase(8, "l1", 5.129, "fitted"),
    _chase(1, "l2", 18.21, "fitted"),
    _chase(2, "l2", 24.40, "held out"),
    _chase(4, "l2", 37.43, "held out"),
    _chase(8, "l2", 58.85, "fitted"),
    _chase(1, "dram", 212.0, "fitted"),
    _chase(2, "dram", 218.6, "held out"),
    _chase(4, "dram", 227.4, "held out"),
    _chase(8, "dram", 437.8, "fitted"),
]

# Of one kernel, from slow to fast in the published numbers, each by more than a tenth.
ORDERINGS = [
    ("memcpy m1, L1", "memcpy m2, L1"),
    ("utf8_count m1, L1", "utf8_count m2, L1", "utf8_count m4, L1", "utf8_count m8, L1"),
    ("mandelbrot f32 scalar", "mandelbrot f32 m1", "mandelbrot f32 m2"),
    ("utf8_count m1, DRAM", "utf8_count m2, DRAM"),
]
