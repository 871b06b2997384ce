# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Dense baselines: what runs, their table, its sums and its claim."""

import json
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_json
from colonnade.config.target import load_target
from colonnade.evaluation.dense_baselines import baselines_table, run_baselines
from colonnade.models.conv_shape import ConvShape
from colonnade.report.baselines import convolution_sums
from colonnade.results.claims import write_claims
from colonnade.results.tables import (
    ACCURACY,
    DENSE_BASELINES,
    PACKAGES,
    THROUGHPUT,
    read_table,
    write_table,
)
from colonnade.targets.target import Target

ROOT = Path(__file__).resolve().parents[3]
STEM = ConvShape.parse("n1c3h16w16-o8-k7x7-s2-p3-d1")
BODY = ConvShape.parse("n1c8h8w8-o8-k3x3-s1-p1-d1-r")
LAYERS = [("stem", STEM), ("first", BODY), ("second", BODY)]
OPENBLAS = {
    **{"implementation": "openblas_im2col", "candidate": "im2col"},
    **{"cycles": 850, "right": True},
}
# The fastest computes something else.
ONEDNN = [
    {"implementation": "onednn", "candidate": candidate, "cycles": cycles, "right": cycles > 700}
    for candidate, cycles in {"gemm nhwc": 700, "gemm nchw": 990, "wino nchw": 950}.items()
]


@pytest.fixture
def target() -> Target:
    container: Any = None
    return Target("x60", load_target(ROOT / "config/targets", "x60"), container)


def trial(algorithm: str, cycles: int, useful_macs: int) -> dict[str, Any]:
    counters = {
        **{"instructions": 1, "classes": {}, "stalls": {}, "l1_misses": 0, "l2_misses": 0},
        **{"functions": {}, "threads": 1},
    }
    return {
        **{"algorithm": algorithm, "tile": 14, "lmul": 2, "panels": 4, "kc_splits": 1},
        **{"cycles": cycles, "ms": 1.0, "useful_macs": useful_macs, "counters": counters},
        **{"mac_per_cycle": useful_macs / cycles},
    }


def profile(conv: ConvShape, reference: int, dense: int, pruned: dict[float, int]) -> Any:
    searches = [
        {
            **{"kept": round(conv.reduction * (1 - sparsity)), "sparsity": sparsity, "m": "full"},
            "trials": [trial("direct", cycles, round(conv.macs * (1 - sparsity)))],
        }
        for sparsity, cycles in {0.0: dense, **pruned}.items()
    ]
    reports = trial("xnnpack_nhwc_dense", reference, conv.macs)
    return {"conv": str(conv), "reference": reports, "searches": searches}


@pytest.fixture
def table(target: Target, tmp_path: Path) -> Path:
    write_json(tmp_path / "stem.json", profile(STEM, 1000, 900, {}))
    body = profile(BODY, 2000, 1500, {0.5: 1600, 0.75: 500})
    for outputs in (4, 2):
        body["searches"][0]["trials"].append(trial(f"winograd{outputs}", 700 + outputs, BODY.macs))
    write_json(tmp_path / "body.json", body)
    write_json(tmp_path / "a.json", {"conv": str(STEM), "runs": [OPENBLAS, *ONEDNN]})
    runs = [each | {"cycles": each["cycles"] + 2150} for each in (OPENBLAS, *ONEDNN)]
    write_json(tmp_path / "b.json", {"conv": str(BODY), "runs": runs})
    output = tmp_path / "tables/dense_baselines.csv"
    files = [tmp_path / name for name in ("stem.json", "body.json", "a.json", "b.json")]
    baselines_table(files[:2], files[2:], LAYERS, "resnet18", target, output)
    return output


def test_every_convolution_has_every_implementation_that_computes_it(table: Path) -> None:
    rows = read_table(table, DENSE_BASELINES).rows(named=True)
    found = {
        (row["conv"], row["implementation"], row["sparsity"]): (row["layers"], row["cycles"])
        for row in rows
    }
    assert len(found) == len(rows)
    assert found == {
        (str(STEM), "xnnpack_nhwc_dense", 0.0): (1, 1000),
        (str(STEM), "openblas_im2col", 0.0): (1, 850),
        (str(STEM), "onednn", 0.0): (1, 950),
        (str(STEM), "colnm_dense", 0.0): (1, 900),
        # It is never pruned; pruned to a half the other one stays dense too.
        (str(STEM), "colnm_tuned", 0.5): (1, 900),
        (str(STEM), "colnm_tuned", 0.75): (1, 900),
        (str(BODY), "xnnpack_nhwc_dense", 0.0): (2, 2000),
        (str(BODY), "openblas_im2col", 0.0): (2, 3000),
        (str(BODY), "onednn", 0.0): (2, 3100),
        (str(BODY), "colnm_dense", 0.0): (2, 1500),
        (str(BODY), "colnm_winograd", 0.0): (2, 702),
        (str(BODY), "colnm_tuned", 0.5): (2, 702),
        (str(BODY), "colnm_tuned", 0.75): (2, 500),
    }
    (winograd,) = [row for row in rows if row["implementation"] == "colnm_winograd"]
    assert winograd["candidate"] == "winograd2:14:2:4:1"
    assert winograd["mac_per_cycle"] == pytest.approx(BODY.macs / 702)
    assert {row["candidate"] for row in rows if row["implementation"] == "onednn"} == {"wino nchw"}


def test_sums_are_over_all_layers(table: Path) -> None:
    sums = {
        (row["implementation"], row["sparsity"]): row
        for row in convolution_sums(read_table(table, DENSE_BASELINES))
    }
    assert {key: row["cycles"] for key, row in sums.items()} == {
        ("xnnpack_nhwc_dense", 0.0): 5000,
        ("openblas_im2col", 0.0): 6850,
        ("onednn", 0.0): 7150,
        ("colnm_dense", 0.0): 3900,
        ("colnm_winograd", 0.0): 900 + 2 * 702,
        ("the fastest dense of each", 0.0): 850 + 2 * 702,
        ("colnm_tuned", 0.5): 900 + 2 * 702,
        ("colnm_tuned", 0.75): 1900,
    }
    pruned = sums["colnm_tuned", 0.75]
    assert pruned["over_xnnpack"] == pytest.approx(5000 / 1900)
    assert pruned["over_fastest"] == pytest.approx(2254 / 1900)


@pytest.mark.parametrize("given", [True, False])
def test_the_claim_is_judged_where_the_table_was_asked_for(
    table: Path, tmp_path: Path, given: bool
) -> None:
    others = {"throughput": THROUGHPUT, "accuracy": ACCURACY, "packages": PACKAGES}
    paths = [tmp_path / f"{name}.csv" for name in others]
    for path, schema in zip(paths, others.values(), strict=True):
        write_table(path, schema, [])
    output = tmp_path / "claims.json"
    write_claims(ROOT / "config/claims.yaml", [*paths, *[table][: int(given)]], output)
    (claim,) = [each for each in json.loads(output.read_text()) if each["id"] == "best-dense"]
    if not given:
        assert (claim["verdict"], claim["detail"]) == ("not run", "`snakemake dense-baselines`")
        return
    assert claim["our_value"] == pytest.approx(2254 / 1900)
    assert claim["verdict"].startswith("reproduced")
    assert "resnet18 at 75%" in claim["detail"]
    assert "2.63x" in claim["detail"]


def test_a_file_of_another_convolution_is_refused(target: Target, tmp_path: Path) -> None:
    write_json(tmp_path / "body.json", profile(BODY, 2000, 1500, {}))
    write_json(tmp_path / "a.json", {"conv": str(STEM), "runs": [OPENBLAS]})
    output = tmp_path / "tables/dense_baselines.csv"
    with pytest.raises(ColonnadeError, match=r"a\.json: conv n1c3h16w16.*; allowed: n1c8h8w8"):
        files = [tmp_path / "body.json"], [tmp_path / "a.json"]
        baselines_table(*files, LAYERS, "resnet18", target, output)
    assert not output.exists()


def test_all_ways_of_all_libraries_are_kept(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[Any] = []

    def run(_: Target, program: str, arguments: list[str], *, timing: Path | None) -> str:
        ran.append((program, arguments))
        return "".join(json.dumps(each | {"seed": 7}) + "\n" for each in (OPENBLAS, *ONEDNN))

    monkeypatch.setattr(Target, "run", run)
    run_baselines(target, BODY, 7, 1, tmp_path / "runs/a.json")
    found = json.loads((tmp_path / "runs/a.json").read_text())
    assert found == {"conv": str(BODY), "runs": [OPENBLAS, *ONEDNN]}
    assert ran == [("colonnade-baselines", ["--conv", str(BODY), "--seed", "7", "--relu"])]


def test_other_vectors_and_threads_are_refused(target: Target, tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match=r"throughput\.threads 2: .* vlen 256 and 1 thread"):
        run_baselines(target, BODY, 7, 2, tmp_path / "a.json")
    config = target.config.model_copy(update={"vlen": 512})
    wide = Target("wide", config, target.container)
    with pytest.raises(ColonnadeError, match=r"target wide: vlen 512"):
        run_baselines(wide, BODY, 7, 1, tmp_path / "a.json")
