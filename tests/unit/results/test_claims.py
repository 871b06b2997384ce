# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Claims are judged from the tables alone, and say so when they were not run."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import CLAIMS
from colonnade.results.claims import Definition, read_definitions, verdict_of, write_claims
from colonnade.results.tables import (
    ACCURACY,
    PACKAGES,
    STUDY,
    THROUGHPUT,
    THROUGHPUT_BAND,
    write_table,
)

DEFINITIONS = CLAIMS
CONTRACT = {"id", "claim", "paper_value", "our_value", "evidence", "verdict", "artifacts"}


def network(
    implementation: str, sparsity: float, speedup: float, model: str = "resnet18"
) -> dict[str, Any]:
    return {
        "model": model,
        "batch": 1,
        "image_px": 224,
        "target": "x60",
        "vlen": 256,
        "threads": 1,
        "implementation": implementation,
        "n": None if sparsity == 0 else 1 - sparsity,
        "m": None if sparsity == 0 else "full",
        "sparsity": sparsity,
        "images_per_s": 2.0 * speedup,
        "cycles": int(8e8 / speedup),
        "speedup_vs_xnnpack_dense": speedup,
        "speedup_vs_best_dense": speedup,
        "evidence": "modelled",
        "checkpoint_sha256": f"sha{sparsity}",
    }


def evaluated(sparsity: float, top1: float, executed_on: str, agreement: float) -> dict[str, Any]:
    return {
        "model": "resnet18",
        "dataset": "digits",
        "method": "dense" if sparsity == 0 else "column-wise",
        "n": None,
        "m": None,
        "sparsity": sparsity,
        "top1": top1,
        "top1_dense": 98.0,
        "drop_points": 98.0 - top1,
        "n_images": 360,
        "executed_on": executed_on,
        "agreement_with_torch": agreement,
        "checkpoint_sha256": f"sha{sparsity}",
    }


def package(variant: str, sparsity: float, size: int) -> dict[str, Any]:
    return {
        "model": "resnet18",
        "variant": variant,
        "n": None,
        "m": None,
        "sparsity": sparsity,
        "bytes": size,
        "checkpoint_sha256": f"sha{sparsity}",
    }


def judge(
    folder: Path,
    speedups: tuple[float, float] = (2.0, 4.4),
    agreement: float = 1.0,
    timed: dict[str, Any] | None = None,
    definitions: Path = DEFINITIONS,
    model: str = "resnet18",
    band: list[dict[str, Any]] | None = None,
    **both: Any,
) -> dict[str, dict[str, Any]]:
    runs = [network("xnnpack_nhwc_dense", 0.0, 1.0), network("colnm_dense", 0.0, 1.25)]
    runs += [network("colnm_tuned", s, v) for s, v in zip((0.5, 0.75), speedups, strict=True)]
    changed = {"model": model, **(timed or {})}
    write_table(folder / "throughput.csv", THROUGHPUT, [{**run, **changed} for run in runs])
    top1 = {0.0: 98.0, 0.5: 98.5, 0.75: 97.0}
    rows = [
        {**evaluated(s, t, on, agreement if on == "x60" else 1.0), "model": model, **both}
        for s, t in top1.items()
        for on in ("torch", "x60")
    ]
    write_table(folder / "accuracy.csv", ACCURACY, rows)
    sizes = [package("dense", 0, 1000), package("a", 0.5, 550), package("b", 0.75, 300)]
    write_table(folder / "packages.csv", PACKAGES, sizes)
    tables = [folder / f"{name}.csv" for name in ("throughput", "accuracy", "packages")]
    if band is not None:
        tables.append(folder / "throughput_band.csv")
        write_table(tables[-1], THROUGHPUT_BAND, band)
    write_claims(definitions, tables, folder / "claims.json")
    claims = json.loads((folder / "claims.json").read_text())
    assert claims
    assert all(set(claim) >= CONTRACT for claim in claims)
    return {claim["id"]: claim for claim in claims}


def defined(**changed: Any) -> Definition:
    return Definition.model_validate(
        {
            **{"id": "a", "claim": "b", "source": "ours", "stated": 4.0, "unit": "x", "digits": 1},
            **{
                "holds": "at least",
                "expected": "holds",
                "command": "snakemake full-run",
                "tables": ["throughput"],
                "query": "q",
                "detail": "d",
            },
            **{"not_run": "n", "refuted_by": "r", **changed},
        }
    )


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(3.94, "not reproduced"), (3.96, "reproduced"), (4.04, "reproduced"), (4.06, "exceeded")],
)
def test_as_much_as_is_judged_in_the_stated_precision(ours: float, verdict: str) -> None:
    assert verdict_of(defined(), ours, "measured") == verdict
    assert verdict_of(defined(), ours, "modelled") == f"{verdict} on the nominal core"
    assert verdict_of(defined(), ours, "modelled", [ours]) == f"{verdict} in the model"


@pytest.mark.parametrize(
    ("ours", "band", "verdict"),
    [
        (6.0, [4.06, 9.0], "exceeded in the model"),
        (6.0, [3.96, 9.0], "reproduced in the model"),
        (6.0, [3.94, 9.0], "depends on the core"),
        (3.0, [2.0, 3.96], "depends on the core"),
        (3.0, [2.0, 3.94], "not reproduced in the model"),
    ],
)
def test_a_modelled_value_is_judged_over_the_whole_band(
    ours: float, band: list[float], verdict: str
) -> None:
    assert verdict_of(defined(), ours, "modelled", band) == verdict


def on_cores(**speedups: tuple[float, float]) -> list[dict[str, Any]]:
    """Rows of the band: on each core 50% and 75% are so much faster than XNNPACK."""
    rows = []
    for core, (half, most) in speedups.items():
        runs = [network("xnnpack_nhwc_dense", 0.0, 1.0), network("colnm_dense", 0.0, 1.25)]
        runs += [network("colnm_tuned", 0.5, half), network("colnm_tuned", 0.75, most)]
        rows += [{**run, "core": core, "dtype": "f32"} for run in runs]
        # Neither is what claims are of.
        rows.append({**rows[-1], "dtype": "f16", "speedup_vs_xnnpack_dense": 99.0})
        rows.append({**rows[-1], "dtype": "f32", "threads": 4})
    return rows


def studied(method: str, recipe: str, top1: float, seed: int, n_images: int) -> dict[str, Any]:
    return {
        **{"model": "resnet18", "dataset": "textures", "method": method, "n": 0.25, "m": "full"},
        **{"tile": "profiled", "sparsity": 0.75, "recipe": recipe, "score": "l1", "seed": seed},
        **{"epochs": 3, "pruned_share": 0.75, "top1": top1, "validation_top1": top1},
        **{"top1_dense": 90.0, "drop_points": 90 - top1, "n_images": n_images},
        "checkpoint_sha256": f"{method}{recipe}{seed}",
    }


@pytest.mark.parametrize(
    ("masked", "filters", "n_images", "verdicts"),
    [
        (30.0, 60.0, 800, ("reproduced", "reproduced")),
        (85.0, 97.0, 800, ("not reproduced", "not reproduced")),
        # So few images cannot tell 2 points from none.
        (68.0, 83.0, 800, ("not decided", "not decided")),
        (30.0, 60.0, 399, ("not run", "not run")),
    ],
)
def test_methods_are_judged_by_the_small_study(
    tmp_path: Path, masked: float, filters: float, n_images: int, verdicts: tuple[str, str]
) -> None:
    """Of two seeds, over which both values are means; without the table neither was run."""
    names = ("least-squares", "over-filters")
    claims = judge(tmp_path)
    assert [claims[name]["verdict"] for name in names] == ["not run", "not run"]
    rows = [
        studied(method, recipe, top1 + shift, seed, n_images)
        for seed, shift in ((1, -1.0), (2, 1.0))
        for method, recipe, top1 in (
            ("column-wise", "paper", 85.0),
            ("column-wise", "masked-untrained", masked),
            ("column-wise", "repaired-untrained", 70.0),
            ("filters", "paper", filters),
        )
    ]
    write_table(tmp_path / "small_study.csv", STUDY, rows)
    tables = [tmp_path / f"{n}.csv" for n in ("throughput", "accuracy", "packages", "small_study")]
    write_claims(DEFINITIONS, tables, tmp_path / "claims.json")
    claims = {each["id"]: each for each in json.loads((tmp_path / "claims.json").read_text())}
    assert tuple(claims[name]["verdict"] for name in names) == verdicts
    if verdicts[0] != "not run":
        values = [claims[name]["our_value"] for name in names]
        assert values == pytest.approx([70 - masked, 85 - filters])
        assert (
            "75% sparsity in the tiles that are executed, 800 images of textures: 70.00%"
            in (claims["least-squares"]["detail"])
        )


def test_claims_are_judged_on_every_core_of_the_band(tmp_path: Path) -> None:
    band = on_cores(nominal=(2.0, 4.4), slow=(1.3, 3.0), fast=(2.5, 5.0))
    claims = judge(tmp_path, band=band)
    throughput = claims["throughput"]
    assert throughput["verdict"] == "depends on the core"
    assert throughput["over_band"] == {
        **{"lowest": 3.0, "lowest_with": "slow", "median": 4.4},
        **{"highest": 5.0, "highest_with": "fast", "cores": 3},
    }
    assert throughput["artifacts"] == ["tables/throughput.csv", "tables/throughput_band.csv"]
    assert claims["inference-speed"]["verdict"] == "reproduced in the model"
    assert claims["inference-speed"]["over_band"]["lowest"] == pytest.approx(30)
    assert claims["risc-v"]["over_band"]["lowest"] == pytest.approx(1.04)
    assert claims["risc-v"]["verdict"] == "depends on the core"
    # Bytes and images are what they are.
    assert claims["model-size"]["over_band"] is None
    assert claims["top1-here"]["over_band"] is None
    assert claims["resnet50-speedup"]["over_band"] is None


def test_a_band_of_other_runs_than_the_claims_is_refused(tmp_path: Path) -> None:
    """As one without the packed networks: the slowest of all would be another one there."""
    band = [row for row in on_cores(nominal=(2.0, 4.4), slow=(1.3, 3.0)) if row["sparsity"] != 0.5]
    with pytest.raises(ColonnadeError) as caught:
        judge(tmp_path, band=band)
    assert "throughput: tables/throughput_band.csv: core nominal: runs ('resnet18', 'coln" in str(
        caught.value
    )
    assert "; allowed: those of tables/throughput.csv, ('resnet18', 'colnm_dense'" in str(
        caught.value
    )


def test_inference_speed_is_of_tuned_networks_and_tells_of_all() -> None:
    query = next(
        each for each in read_definitions(DEFINITIONS).claims if each.id == "inference-speed"
    ).query
    runs = [network("colnm_dense", 0.0, 1.1), network("colnm_packed", 0.5, 1.5)]
    runs += [network("colnm_tuned", sparsity, speed) for sparsity, speed in ((0.75, 3), (0.5, 2))]
    with pl.SQLContext(throughput=pl.DataFrame(runs), eager=True) as tables:
        (row,) = tables.execute(query).iter_rows(named=True)
    assert (row["value"], row["sparsity"]) == (pytest.approx(100), 0.5)
    assert row["of_all"] == pytest.approx(50)


def test_without_a_band_nothing_is_said_of_other_cores(tmp_path: Path) -> None:
    claims = judge(tmp_path)
    assert all(claim["over_band"] is None for claim in claims.values())
    assert not any(claim["verdict"].endswith("in the model") for claim in claims.values())


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(2.16, "not reproduced"), (2.1, "reproduced"), (0.3, "reproduced"), (-0.5, "exceeded")],
)
def test_bounds_are_exceeded_only_where_nothing_is_lost(ours: float, verdict: str) -> None:
    assert verdict_of(defined(stated=2.1, holds="at most"), ours, "emulated") == verdict


@pytest.mark.parametrize(
    ("ours", "verdict"), [(1.04, "not reproduced"), (1.06, "reproduced"), (9.0, "reproduced")]
)
def test_a_claim_without_a_number_is_never_exceeded(ours: float, verdict: str) -> None:
    claim = defined(stated=None, bound=1, holds="more than")
    assert verdict_of(claim, ours, "measured") == verdict


def test_what_was_chosen_is_not_exceeded(tmp_path: Path) -> None:
    claims = judge(tmp_path)
    for name, value in (("model-size", 57.5), ("inference-speed", 100)):
        assert claims[name]["our_value"] == pytest.approx(value)
        assert claims[name]["verdict"].startswith("reproduced")
        assert "follows from the sparsities that were chosen" in claims[name]["detail"]


def test_throughput_takes_the_fastest_network_and_its_own_accuracy(tmp_path: Path) -> None:
    claims = judge(tmp_path)
    assert claims["throughput"]["our_value"] == 4.4
    assert claims["throughput"]["verdict"] == "exceeded on the nominal core"
    assert claims["throughput"]["evidence"] == "modelled"
    # What pruning gives stands beside what layout and kernels give.
    assert "1.25x by layout and kernels, 3.52x by pruning" in claims["throughput"]["detail"]
    assert claims["top1-here"]["our_value"] == pytest.approx(1.0)
    assert claims["risc-v"]["our_value"] == pytest.approx(1.6)


def test_imagenet_claims_are_not_run_on_other_data(tmp_path: Path) -> None:
    claims = judge(tmp_path)
    for name in ("top1", "resnet18-34-drop", "resnet18-34-gain", "resnet50-drop"):
        assert claims[name]["verdict"] == "not run"
        assert claims[name]["our_value"] is None
        assert "ImageNet" in claims[name]["detail"]


def test_imagenet_claim_is_judged_on_imagenet(tmp_path: Path) -> None:
    claims = judge(tmp_path, dataset="imagenet", n_images=50_000)
    assert claims["top1"]["verdict"] == "reproduced"
    assert claims["resnet18-34-drop"]["our_value"] == pytest.approx(1.0)
    assert claims["top1-here"]["verdict"] == "not run"


@pytest.mark.parametrize(
    ("top1", "images", "verdict"),
    [
        (95.0, 20, "not decided"),
        (80.0, 20, "not decided"),
        (97.0, 360, "not decided"),
        (10.0, 20, "not reproduced"),
        (97.0, 50_000, "reproduced"),
        (98.0, 50_000, "reproduced"),
        (94.0, 50_000, "not reproduced"),
        (99.0, 50_000, "exceeded"),
    ],
)
def test_a_drop_is_judged_only_by_images_that_decide(
    tmp_path: Path, top1: float, images: int, verdict: str
) -> None:
    claims = judge(tmp_path, n_images=images, top1=top1, drop_points=98.0 - top1)
    claim = claims["top1-here"]
    assert claim["verdict"] == verdict
    assert claim["our_value"] == pytest.approx(98.0 - top1)
    assert "95% intervals: " in claim["detail"]
    said = f"not decided by {images:,} images"
    assert (said in claim["detail"]) == (verdict == "not decided")
    assert CONTRACT | {
        "source",
        "unit",
        "over_band",
        "detail",
        "refuted_by",
        "criterion",
        "expected",
        "command",
    } == set(claim)


def test_every_claim_of_a_difference_of_top1_is_judged_by_its_images() -> None:
    drops = [each for each in read_definitions(DEFINITIONS).claims if each.unit == "points"]
    assert len(drops) == 8
    assert all(each.of_images for each in drops)


def test_a_gain_is_judged_by_its_images_too(tmp_path: Path) -> None:
    few, many = (
        judge(
            tmp_path,
            dataset="imagenet",
            n_images=images,
            sparsity=0.25,
            top1=99.0,
            drop_points=-1.0,
        )["resnet18-34-gain"]
        for images in (100, 50_000)
    )
    assert (few["verdict"], many["verdict"]) == ("not decided", "exceeded")


def test_claims_of_one_network_are_not_made_from_another(tmp_path: Path) -> None:
    small = judge(tmp_path)
    assert small["resnet18-34-speedup"]["our_value"] == 4.4
    assert small["resnet50-speedup"]["verdict"] == "not run"
    large = judge(tmp_path, model="resnet50")
    assert large["resnet18-34-speedup"]["verdict"] == "not run"
    assert large["resnet50-speedup"]["our_value"] == 4.4
    assert large["resnet50-over-dense"]["our_value"] == pytest.approx(3.52)


@pytest.mark.parametrize(
    ("wrong", "verdict"), [(0, "reproduced"), (1, "reproduced"), (2, "not reproduced")]
)
def test_wrong_predictions_refute_the_target_but_for_a_near_tie(
    tmp_path: Path, wrong: int, verdict: str
) -> None:
    claims = judge(tmp_path, agreement=(360 - wrong) / 360)
    assert claims["same-predictions"]["verdict"] == verdict


def test_measured_speed_on_another_machine_says_nothing_of_risc_v(tmp_path: Path) -> None:
    timed = {"target": "host", "evidence": "measured", "vlen": 0, "cycles": None}
    claims = judge(tmp_path, timed=timed)
    assert claims["risc-v"]["verdict"] == "not run"
    for name in ("throughput", "inference-speed"):
        assert claims[name]["evidence"] == "measured"
        assert claims[name]["verdict"] in ("exceeded", "reproduced")
        assert "on target host" in claims[name]["detail"]


def test_a_slow_run_is_not_reproduced(tmp_path: Path) -> None:
    claims = judge(tmp_path, speedups=(0.8, 0.9))
    judged = {name: claims[name]["verdict"] for name in ("throughput", "inference-speed", "risc-v")}
    assert set(judged.values()) == {"not reproduced on the nominal core"}


def test_every_claim_names_what_would_refute_it() -> None:
    claims = read_definitions(DEFINITIONS).claims
    assert len(claims) >= 14
    assert {claim.source for claim in claims} == {"abstract", "paper", "third-party", "ours"}


QUERY = "SELECT 1.0 AS value, 'modelled' AS evidence FROM throughput LIMIT 1"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"query": "SELECT nothing AS value FROM throughput"}, "query: "),
        ({"command": "snakemake other"}, "commands of claims differ: snakemake"),
        ({"query": "SELECT sparsity FROM throughput"}, "needed: a column `value`"),
        ({"query": "SELECT sparsity AS value FROM throughput"}, "4 rows; allowed: one or none"),
        ({"detail": "{nobody}"}, "detail: no column nobody; allowed: value, evidence"),
        ({"detail": "{evidence:.2f}"}, "detail: "),
        ({"query": QUERY.replace("modelled", "guessed")}, "evidence: 'guessed'"),
        ({"holds": "about"}, "holds"),
        ({"bound": 3}, "one of stated and bound is needed"),
        ({"tables": ["layers"]}, "tables"),
        ({"surprise": 1}, "surprise"),
        ({"of_images": True}, "selects no top1, top1_dense, n_images"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_mistaken_definition_is_refused_by_name(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    good = defined(query=QUERY).model_dump(mode="json", exclude_none=True)
    path = tmp_path / "own.yaml"
    runs = [{"command": good["command"], "time": "a minute"}]
    path.write_text(yaml.safe_dump({"runs": runs, "claims": [good]}))
    assert judge(tmp_path, definitions=path)["a"]["our_value"] == 1.0
    path.write_text(yaml.safe_dump({"runs": runs, "claims": [{**good, **changed}]}))
    with pytest.raises(ColonnadeError) as refused:
        judge(tmp_path, definitions=path)
    assert str(path) in str(refused.value)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
