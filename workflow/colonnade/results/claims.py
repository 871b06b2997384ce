# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The claims of the paper and of its summary, each judged from the tables of a run.

Values are compared in the precision in which the claim states them: 3.97 reproduces "4.0x".
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import polars as pl

from colonnade.common.files import write_json
from colonnade.common.paths import table_file
from colonnade.results.tables import ACCURACY, THROUGHPUT, read_table

Verdict = Literal["reproduced", "exceeded", "not reproduced", "not run"]
Row = Mapping[str, Any]
Claim = dict[str, Any]

SPEEDUP = 4.0
DROP_POINTS = 2.1
SIZE_PERCENT = 30
SPEED_PERCENT = 25


def reaches(stated: float, ours: float, digits: int) -> Verdict:
    """Verdict of "as much as": exceeded above the stated value, not reproduced below it."""
    rounded = round(ours, digits)
    if rounded > stated:
        return "exceeded"
    return "reproduced" if rounded == stated else "not reproduced"


def stays_within(stated: float, ours: float, digits: int) -> Verdict:
    """Verdict of "at most so much is lost": exceeded where nothing is lost at all."""
    rounded = round(ours, digits)
    if rounded <= 0:
        return "exceeded"
    return "reproduced" if rounded <= stated else "not reproduced"


def write_claims(
    throughput: Path, accuracy: Path, package_bytes: Mapping[str, int], target: Path
) -> None:
    """Write `claims.json`.

    Args:
        throughput: `throughput.csv`.
        accuracy: `accuracy.csv`.
        package_bytes: size of each exported package by variant; `dense` is the one compared with.
        target: the file to write.
    """
    runs = read_table(throughput, THROUGHPUT)
    pruned = runs.filter(pl.col("sparsity") > 0).sort("speedup_vs_xnnpack_dense")
    slowest, fastest = pruned.row(0, named=True), pruned.row(-1, named=True)
    on_target = read_table(accuracy, ACCURACY).filter(pl.col("executed_on") != "torch")
    # The accuracy that counts is that of the very network whose throughput is claimed.
    same = on_target.filter(pl.col("checkpoint_sha256") == fastest["checkpoint_sha256"])
    claims = [
        _throughput(fastest),
        *_top1(same.row(0, named=True)),
        _size(package_bytes),
        _speed(slowest),
        _risc_v(fastest, on_target),
    ]
    write_json(target, claims)


def _claim(
    name: str,
    claim: str,
    paper_value: float | None,
    our_value: float | None,
    evidence: str,
    verdict: Verdict,
    detail: str,
    *artifacts: str,
) -> Claim:
    return {
        "id": name,
        "claim": claim,
        "paper_value": paper_value,
        "our_value": our_value,
        "evidence": evidence,
        "verdict": verdict,
        "detail": detail,
        "artifacts": list(artifacts),
    }


def _network(row: Row) -> str:
    return f"{row['model']} at {row['sparsity']:.0%} sparsity"


def _timed(row: Row) -> str:
    return f"{_network(row)} on target {row['target']}"


def _throughput(fastest: Row) -> Claim:
    speedup = fastest["speedup_vs_xnnpack_dense"]
    return _claim(
        "throughput",
        "ResNet inference throughput is increased by as much as 4.0x",
        SPEEDUP,
        speedup,
        fastest["evidence"],
        reaches(SPEEDUP, speedup, 1),
        f"{_timed(fastest)}, {fastest['implementation']} against XNNPACK's dense NHWC operators",
        table_file("throughput"),
    )


def _top1(row: Row) -> list[Claim]:
    drop = row["drop_points"]
    detail = (
        f"{_network(row)}, {row['n_images']} images of {row['dataset']}: "
        f"{row['top1']:.2f}% against {row['top1_dense']:.2f}%"
    )
    verdict = stays_within(DROP_POINTS, drop, 1)
    artifact = table_file("accuracy")
    if row["dataset"] == "imagenet":
        text = "ImageNet top-1 stays within 2.1 points of the dense network's"
        return [_claim("top1", text, DROP_POINTS, drop, "emulated", verdict, detail, artifact)]
    return [
        _claim(
            "top1",
            "ImageNet top-1 stays within 2.1 points of the dense network's",
            DROP_POINTS,
            None,
            "emulated",
            "not run",
            "needs ImageNet: see config/imagenet.yaml",
        ),
        _claim(
            f"top1-{row['dataset']}",
            f"The same bound on {row['dataset']}, the data set of this run",
            DROP_POINTS,
            drop,
            "emulated",
            verdict,
            detail,
            artifact,
        ),
    ]


def _size(package_bytes: Mapping[str, int]) -> Claim:
    dense = package_bytes["dense"]
    cuts = [100 * (1 - size / dense) for name, size in package_bytes.items() if name != "dense"]
    reduction = sum(cuts) / len(cuts)
    return _claim(
        "model-size",
        "Model size is reduced by 30% on average",
        SIZE_PERCENT,
        reduction,
        "measured",
        reaches(SIZE_PERCENT, reduction, 0),
        f"bytes of {len(cuts)} pruned packages, indices included, against {dense:,} dense",
        "packages",
    )


def _speed(slowest: Row) -> Claim:
    gain = 100 * (slowest["speedup_vs_xnnpack_dense"] - 1)
    return _claim(
        "inference-speed",
        "Inference speed is improved by 25%",
        SPEED_PERCENT,
        gain,
        slowest["evidence"],
        reaches(SPEED_PERCENT, gain, 0),
        f"the slowest pruned network: {_timed(slowest)}",
        table_file("throughput"),
    )


def _risc_v(fastest: Row, on_target: pl.DataFrame) -> Claim:
    agreement = float(on_target["agreement_with_torch"].to_numpy().min())
    equal = "predictions equal to PyTorch's over all networks"
    verdict: Verdict
    if fastest["evidence"] == "measured":
        # Speed on this machine says nothing of RISC-V.
        verdict = "not run"
        detail = f"{equal}; speed there needs an emulated target, not {fastest['target']}"
    else:
        works = agreement == 1 and fastest["speedup_vs_xnnpack_dense"] > 1
        verdict = "reproduced" if works else "not reproduced"
        detail = f"{equal}, the pruned ones faster than dense"
    return _claim(
        "risc-v",
        "Column-wise N:M pruning is effective on the RISC-V vector architecture",
        None,
        100 * agreement,
        "emulated",
        verdict,
        detail,
        table_file("accuracy"),
        table_file("throughput"),
    )
