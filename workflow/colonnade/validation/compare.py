# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The table of validation: every published point beside what the model says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_text
from colonnade.common.paths import VALIDATED_CORE
from colonnade.results.tables import VALIDATION, write_table
from colonnade.validation.instructions import MICROBENCHMARKS, assembly
from colonnade.validation.kernels import KERNEL_POINTS, KernelPoint, Run
from colonnade.validation.model import CLANG, GCC, Region, TimingModel
from colonnade.validation.other_cores import OTHER_CORES

KERNELS = Path("kernels/timing/validation")
_XNNPACK = Path("/usr/src/xnnpack")


@dataclass(frozen=True)
class Program:
    """A validation program: sources of `KERNELS` or with a path of their own, and how to build it.

    `has_fitted` says whether points that parameters are fitted to come from it.
    """

    name: str
    sources: tuple[str | Path, ...]
    compiler: Sequence[str] = CLANG
    flags: tuple[str, ...] = ()
    has_fitted: bool = True

    def build(self, model: TimingModel, *others: Path, flags: Sequence[str] = ()) -> Path:
        """Compile it, with other sources and flags before its own; returns its path.

        Raises:
            ColonnadeError: the compiler refused it.
        """
        sources = [KERNELS / source for source in self.sources]  # absolute ones stay as they are
        compiler = [self.compiler[0], *flags, *self.compiler[1:]]
        return model.compile(self.name, [*sources, *others], *self.flags, compiler=compiler)

    def regions(
        self,
        model: TimingModel,
        built: Path,
        *,
        core: Path = VALIDATED_CORE,
        vlen: int = 256,
        names: Sequence[str] = (),
    ) -> dict[Run, Region]:
        """What the model says of its kernels, as `built`: of all, or of those of these names.

        Raises:
            ColonnadeError: it could not be run.
        """
        regions, printed = model.run(built, core=core, vlen=vlen, arguments=names)
        runs = [line.split() for line in printed.splitlines()]
        return {
            (name, int(size)): region for (name, size), region in zip(runs, regions, strict=True)
        }


PROGRAMS = (
    Program("kernels", ("kernels.S", "compute.c", "main.c")),
    Program("multiply", ("gemm.c", "multiply.c"), GCC),
    Program(
        "xnnpack",
        (
            "xnnpack.c",
            _XNNPACK / "src/f32-ppmm/gen/f32-ppmm-4x4-minmax-scalar.c",
            _XNNPACK / "src/qs8-dwconv/gen/qs8-dwconv-9p4c-minmax-fp32-scalar-lrintf.c",
            _XNNPACK / "src/x32-packx/x32-packx-4x-scalar.c",
        ),
        # As XNNPACK builds what it calls scalar.
        flags=(
            *("-fno-math-errno", "-fno-vectorize", "-fno-slp-vectorize", "-DNDEBUG"),
            *(f"-I{_XNNPACK / folder}" for folder in ("src", "include")),
            "-I/usr/src/pthreadpool/include",
        ),
        has_fitted=False,
    ),
)


def microbenchmark_cycles(
    model: TimingModel, core: Path = VALIDATED_CORE, vlen: int = 256
) -> dict[str, float]:
    """Modelled cycles on a core of one sequence of each microbenchmark, by name."""
    source = model.work / "microbenchmarks.S"
    write_text(source, assembly(MICROBENCHMARKS))
    built = model.compile("microbenchmarks", [source], "-nostdlib")
    regions, _ = model.run(built, core=core, vlen=vlen)
    return {
        benchmark.name: region["cycles"] / (benchmark.unroll * benchmark.iterations)
        for benchmark, region in zip(MICROBENCHMARKS, regions, strict=True)
    }


def kernel_regions(
    model: TimingModel, core: Path = VALIDATED_CORE, vlen: int = 256
) -> dict[Run, Region]:
    """What the model says of each kernel that the validation programs run, on a core."""
    found: dict[Run, Region] = {}
    for program in PROGRAMS:
        found |= program.regions(model, program.build(model), core=core, vlen=vlen)
    return found


def write_validation(model: TimingModel, table: Path) -> None:
    """Run everything under the model and write `validation.csv`.

    Raises:
        ColonnadeError: a program could not be built or run, or a point has no kernel.
    """
    rows = [*validation_rows(model, kernel_regions(model)), *other_core_rows(model)]
    write_table(table, VALIDATION, rows)


def validation_rows(
    model: TimingModel, regions: Mapping[Run, Region]
) -> Sequence[Mapping[str, Any]]:
    """The rows of `validation.csv`; `regions` are of the kernels.

    Raises:
        ColonnadeError: see `write_validation`.
    """
    return _with_roles([*_instructions(model), *_kernels(KERNEL_POINTS, regions)])


def other_core_rows(model: TimingModel) -> Sequence[Mapping[str, Any]]:
    """The rows of `validation.csv` that are of other cores than the X60.

    Raises:
        ColonnadeError: see `write_validation`.
    """
    program = PROGRAMS[0]
    built = program.build(model)
    rows: list[Mapping[str, Any]] = []
    for core in OTHER_CORES:
        regions = program.regions(
            model, built, core=core.description, vlen=core.vlen, names=core.kernels
        )
        rows += _with_roles(_kernels(core.points, regions))
    return rows


def _with_roles(rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Rows of one core, those of the same source marked that are not fitted."""
    fitted = {_origin(row["source"]) for row in rows if row["role"] == "fitted"}
    return [
        {**row, "role": "same source"}
        if row["role"] == "held out" and _origin(row["source"]) in fitted
        else row
        for row in rows
    ]


def _origin(source: str) -> str:
    """Who measured: pull requests of XNNPACK are of several authors."""
    first, *others = source.split()
    return f"{first} {others[0]}" if first == "XNNPACK" else first


def _row(point: Mapping[str, Any], modelled: float) -> dict[str, Any]:
    error = 100 * (modelled / point["published"] - 1)
    return {**point, "modelled": modelled, "error_percent": error}


def _instructions(model: TimingModel) -> Sequence[Mapping[str, Any]]:
    cycles = microbenchmark_cycles(model)
    return [
        _row(
            {
                "group": "instruction",
                "point": benchmark.name,
                "source": benchmark.source,
                "unit": "cycles",
                "published": float(benchmark.cycles),
                "role": benchmark.role,
                "exception": "",
            },
            cycles[benchmark.name],
        )
        for benchmark in MICROBENCHMARKS
        if benchmark.role != "rule"
    ]


def _kernels(
    points: Sequence[KernelPoint], regions: Mapping[Run, Region]
) -> Sequence[Mapping[str, Any]]:
    cycles = {run: int(region["cycles"]) for run, region in regions.items()}
    rows = []
    for point in points:
        missing = [run for run in point.runs if run not in cycles]
        if missing:
            raise ColonnadeError(f"{KERNELS}: no program runs {missing}")
        rows.append(
            _row(
                {
                    "group": point.group,
                    "point": point.name,
                    "source": point.source,
                    "unit": point.unit,
                    "published": point.published,
                    "role": point.role,
                    "exception": point.exception,
                },
                point.value([cycles[run] for run in point.runs]),
            )
        )
    return rows
