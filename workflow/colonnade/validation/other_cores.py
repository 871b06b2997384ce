# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What others measured on other cores than the X60, with loops as the validation's kernels have them.

All of it is rvv-bench's: bytes of a loop in a cycle within L1, by the slope between two sizes; the
median over working sets of 2 to 20 MB for DRAM; pixels in a cycle, of a picture of about 9216. The
X280's loops are of the aligned page, as are our buffers; on the other core it makes no difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from colonnade.validation.kernels import LARGE, SMALL, STREAM, KernelPoint, Kind, Role


@dataclass(frozen=True)
class OtherCore:
    """A core, the name of its pages, and its points."""

    name: Kind
    description: Path
    vlen: int
    page: str
    loops: Mapping[str, tuple[float, Role]]
    streams: Mapping[str, tuple[float, Role]]
    pixels: Mapping[str, float]
    # Why the model is not held to the streams, where it is not.
    exception: str = ""

    @property
    def points(self) -> Sequence[KernelPoint]:
        """Rows of the table."""
        return [
            *(self._loop(name, *found) for name, found in self.loops.items()),
            *(self._stream(name, *found) for name, found in self.streams.items()),
            *(self._picture(name, published) for name, published in self.pixels.items()),
        ]

    @property
    def kernels(self) -> Sequence[str]:
        """Names of the kernels that its points need."""
        return sorted({kernel for point in self.points for kernel, _ in point.runs})

    def _source(self, benchmark: str) -> str:
        return f"rvv-bench {self.page}/{benchmark}.html"

    def _loop(self, name: str, published: float, role: Role) -> KernelPoint:
        benchmark, kernel = _named(name)
        return KernelPoint(
            f"{self.name}, {name}, L1",
            self.name,
            self._source(benchmark),
            "bytes/cycle",
            published,
            role,
            ((kernel, SMALL), (kernel, LARGE)),
            lambda cycles: (LARGE - SMALL) / (cycles[1] - cycles[0]),
        )

    def _stream(self, name: str, published: float, role: Role) -> KernelPoint:
        benchmark, kernel = _named(name)
        return KernelPoint(
            f"{self.name}, {name}, DRAM",
            self.name,
            self._source(benchmark),
            "bytes/cycle",
            published,
            role,
            ((kernel, STREAM),),
            lambda cycles: STREAM / cycles[0],
            self.exception,
        )

    def _picture(self, name: str, published: float) -> KernelPoint:
        return KernelPoint(
            f"{self.name}, mandelbrot f32 {name}",
            self.name,
            self._source("mandelbrot"),
            "pixels/cycle",
            published,
            "held out",
            ((f"mandelbrot-{name}", 96),),
            lambda cycles: 96**2 / cycles[0],
        )


_KERNELS = {"memcpy": "copy", "memset": "fill", "utf8_count": "count"}


def _named(name: str) -> tuple[str, str]:
    """The benchmark and the kernel of a loop such as `memcpy m1`."""
    benchmark, lmul = name.split()
    return benchmark, f"{_KERNELS[benchmark]}-{lmul}"


C908 = OtherCore(
    name="C908",
    description=Path("kernels/timing/cores/c908.json"),
    vlen=128,
    page="canmv_k230",
    loops={
        "memcpy m1": (1.977, "held out"),
        "memcpy m2": (2.649, "fitted"),
        "memcpy m4": (3.068, "held out"),
        "memcpy m8": (3.285, "fitted"),
        "memset m1": (2.647, "held out"),
        "memset m8": (7.375, "fitted"),
        "utf8_count m1": (0.940, "held out"),
        "utf8_count m2": (1.681, "held out"),
        "utf8_count m4": (2.560, "held out"),
        "utf8_count m8": (3.460, "held out"),
    },
    streams={
        "memcpy m8": (1.904, "fitted"),
        "memset m8": (4.724, "fitted"),
        "utf8_count m1": (0.823, "held out"),
        "utf8_count m2": (1.464, "held out"),
        "utf8_count m4": (2.286, "held out"),
    },
    pixels={"scalar": 0.0010385, "m1": 0.0037783, "m2": 0.0055409},
)
X280 = OtherCore(
    name="X280",
    description=Path("kernels/timing/cores/x280.json"),
    vlen=512,
    page="tt_x280",
    # But for utf8_count those of m8 are left out: six turns pass the short text, too few for a slope.
    loops={
        "memcpy m1": (10.107, "held out"),
        "memcpy m2": (12.815, "held out"),
        "memcpy m4": (14.104, "fitted"),
        "memset m1": (19.654, "held out"),
        "utf8_count m1": (2.550, "held out"),
        "utf8_count m2": (4.697, "fitted"),
        "utf8_count m4": (8.153, "held out"),
        "utf8_count m8": (10.561, "held out"),
    },
    streams={"memcpy m8": (0.346, "held out"), "memset m8": (0.705, "held out")},
    pixels={"scalar": 0.0010008, "m1": 0.0060647, "m2": 0.0081153},
    exception=(
        "This X280 is part of an accelerator whose memory takes 180 cycles for a line; the memory of the"
        " description is assumed to be the X60's."
    ),
)
OTHER_CORES = (C908, X280)
