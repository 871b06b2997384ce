# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the sections of the report show, invented, and a page of all of them."""

import base64
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from colonnade.common.files import write_json
from colonnade.report.contents import SECTIONS
from colonnade.report.page import write_page
from colonnade.report.sections import write_section
from colonnade.results import tables
from colonnade.results.tables import Schema, write_table

DEFAULTS = {pl.String: "x", pl.Int64: 3, pl.Float64: 0.5}
PROVENANCE = {
    **{"git_commit": "0123456789abcdef", "dirty": False, "qemu": "qemu 10", "python": "3.11"},
    **{"image": {"engine": "rootfs", "digest": "sha256:abc"}, "compilers": {"clang": "19"}},
    **{"python_packages": {}, "cpu": "a cpu", "seeds": {"run": 1}, "config_sha256": "f00"},
    **{"config": {}, "config_changes": []},
}
# A picture, as a page has them.
_BLACK = io.BytesIO()
Image.new("RGB", (2, 2)).save(_BLACK, "JPEG")
JPEG = base64.b64encode(_BLACK.getvalue()).decode("ascii")
# As long as real ones become.
LONG_SCHEDULE = {
    **{
        "conv": "n1c512h14w14-o512-k3x3-s2-p1-d1-r",
        "layer": "layer4.1.conv2",
        "algorithm": "packed",
    },
    **{"mac_per_cycle": 12.34, "ms": 123.456, "evidence": "modelled"},
}
LONG_BOUND = {
    **{"conv": LONG_SCHEDULE["conv"], "algorithm": "packed", "cycles": 123_456_789},
    **{"fma_bound_cycles": 123_456_789, "memory_bound_cycles": 12_345_678, "sparsity": 0.75},
}
LONG_ACCURACY = {
    **{"checkpoint_sha256": "b", "executed_on": "x60", "method": "unstructured", "n_images": 50000},
    **{"top1": 69.758, "top1_dense": 71.878, "drop_points": 2.12, "n": 0.25, "m": "full"},
    **{"sparsity": 0.75, "agreement_with_torch": 1.0},
}
STALLS = ("load_result", "result", "cache_miss", "memory_unit", "execute_unit", "branch", "idle")


def row(schema: Schema, **changed: Any) -> dict[str, Any]:
    return {name: DEFAULTS[kind] for name, kind in schema.items()} | changed


def run(checkpoint: str, cycles: int) -> dict[str, Any]:
    total = {"cycles": cycles, "seconds": 0.1}
    counters = {"cycles": cycles, "threads": 1, "stalls": dict.fromkeys(STALLS, 2)}
    layer = {"name": "conv1", "op": "conv2d", "counters": counters, **total}
    return {
        **{"model": "resnet18", "checkpoint_sha256": checkpoint, "implementation": "i"},
        **{"threads": 1, "layers": [layer], "total": total},
    }


@pytest.fixture
def files(tmp_path: Path) -> dict[str, list[Path]]:
    """What each section shows."""
    return write_files(tmp_path)


def write_files(folder: Path) -> dict[str, list[Path]]:
    """Invent what each section shows."""

    def table(name: str, *rows: dict[str, Any]) -> Path:
        path = folder / f"tables/{name}.csv"
        write_table(path, getattr(tables, name.upper()), rows)
        return path

    def record(name: str, value: Any) -> Path:
        write_json(folder / name, value)
        return folder / name

    throughput = table(
        "throughput",
        row(tables.THROUGHPUT, implementation="base", sparsity=0.0, checkpoint_sha256="a"),
        row(
            tables.THROUGHPUT,
            speedup_vs_xnnpack_dense=2.0,
            speedup_vs_best_dense=1.6,
            checkpoint_sha256="b",
        ),
    )
    runs = [
        record(f"throughput/{name}/run.json", run(name, cycles))
        for name, cycles in (("a", 200), ("b", 100))
    ]
    evaluation = {
        **{"checkpoint_sha256": "b", "n_images": 4, "target": "x60", "top1_torch": 1.0},
        **{"top1_target": 1.0, "agreement": 1.0, "max_abs_logit_difference": 1e-6},
        **{"schedule_sources": {"tuned": 3, "other size": 17, "fixed": 1}, "schedules": []},
    }
    over_band = {
        **{"lowest": 4.2, "lowest_with": "slow", "median": 5.1},
        **{"highest": 6.0, "highest_with": "fast", "cores": 38},
    }
    claim = {
        **{"id": "speed", "claim": "fast", "source": "ours", "detail": "very", "unit": "x"},
        **{
            "paper_value": 4.0,
            "our_value": 5.0,
            "evidence": "modelled",
            "refuted_by": "a slow one",
            "criterion": "at least 4",
            "expected": "holds",
            "command": "snakemake full-run",
        },
        **{
            "verdict": "exceeded in the model",
            "over_band": over_band,
            "artifacts": ["tables/throughput.csv"],
        },
    }
    fixed = {"role": "fitted", "point": "memcpy"}
    return {
        "claims": [record("claims.json", [claim])],
        "throughput": [throughput],
        "accuracy": [
            table("accuracy", row(tables.ACCURACY, **LONG_ACCURACY)),
            record("evaluation.json", evaluation),
        ],
        "study": [
            table("study_summary", *[row(tables.STUDY_SUMMARY, method=m) for m in ("dense", "x")])
        ],
        "small_study": [
            table(
                "small_study_summary",
                *[row(tables.STUDY_SUMMARY, method=m, seeds=1) for m in ("dense", "x")],
            )
        ],
        "tile_curve": [
            table(
                "tile_curve",
                row(tables.TILE_CURVE, tile="profiled"),
                row(tables.TILE_CURVE, tile="4"),
            )
        ],
        "pareto": [table("pareto", row(tables.PARETO))],
        "comparison": [table("comparison", row(tables.COMPARISON))],
        "photographs": [
            table(
                "photographs",
                row(tables.PHOTOGRAPHS, variant="dense", dtype="f32", photograph="cat"),
                row(tables.PHOTOGRAPHS, variant="dense", dtype="f16", photograph="cat"),
            ),
            table("photograph_agreement", row(tables.PHOTOGRAPH_AGREEMENT, variant="masked")),
            record("shown.json", {"classes": ["tabby"], "pictures": {"cat": JPEG}}),
        ],
        "layers": [throughput, *runs],
        "cycles": [throughput, *runs],
        "bounds": [
            table(
                "bounds",
                row(tables.BOUNDS, **LONG_BOUND),
                row(tables.BOUNDS, algorithm="xnnpack_nhwc_dense"),
            )
        ],
        "packing": [table("packing", row(tables.PACKING))],
        "decomposition": [table("decomposition", row(tables.DECOMPOSITION, step="no packing"))],
        "dense_baselines": [
            table(
                "dense_baselines",
                *[
                    row(tables.DENSE_BASELINES, implementation=name, sparsity=0.0)
                    for name in ("xnnpack_nhwc_dense", "colnm_dense")
                ],
            )
        ],
        "schedules": [
            table(
                "layers",
                *[row(tables.LAYERS, sparsity=s, chosen=1, **LONG_SCHEDULE) for s in (0.0, 0.5)],
            )
        ],
        "refinement": [
            table(
                "refinement",
                row(
                    tables.REFINEMENT,
                    key="n1c3h8w8-o8-k3x3-s1-p1-d1|k27",
                    schedule="direct:7:2:4:1",
                ),
                row(tables.REFINEMENT, key=tables.WHOLE),
            )
        ],
        "tuner_quality": [table("tuner_quality", row(tables.TUNER_QUALITY))],
        "validation": [table("validation", row(tables.VALIDATION, **fixed))],
        "sensitivity": [
            table("sensitivity", row(tables.SENSITIVITY, conclusion="a over b")),
            table("sensitivity_retuned", row(tables.SENSITIVITY_RETUNED, core="slow")),
        ],
        "nightly": [
            table(
                "nights",
                *[
                    row(tables.NIGHTS, layers=kind, git_commit=commit, cycles=cycles)
                    for commit, cycles in (("c0ffee0", 103), ("c0ffee1", 100))
                    for kind in ("all layers", "1x1 convolutions", "other layers")
                ],
            )
        ],
        "words": [],
        "provenance": [],
    }


@pytest.fixture
def provenance(tmp_path: Path) -> Path:
    return write_provenance(tmp_path)


def write_provenance(folder: Path) -> Path:
    """Invent what the page says of its run."""
    write_json(folder / "provenance.json", PROVENANCE)
    return folder / "provenance.json"


def heading(files: dict[str, list[Path]]) -> tuple[Path, Path, Path]:
    """What the page's heading is of."""
    return files["throughput"][0], files["accuracy"][0], files["claims"][0]


def write_whole_page(
    files: dict[str, list[Path]], provenance: Path, target: Path, left_out: Iterable[str] = ()
) -> None:
    """Write the page with all sections but some."""
    rest = list(left_out)
    rendered = {}
    for section in SECTIONS:
        if section.name not in rest:
            rendered[section.name] = target.parent / f"report/{section.name}.html"
            write_section(section.name, provenance, files[section.name], rendered[section.name])
    write_page(*heading(files), rendered, rest, target)


@pytest.fixture(scope="session")
def whole_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with all sections, beside its tables; tests only read it."""
    folder = tmp_path_factory.mktemp("page")
    write_whole_page(write_files(folder), write_provenance(folder), folder / "report.html")
    return folder / "report.html"
