# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Dense ways to compute a network's convolutions, compared with pruning them.

Beside XNNPACK's operators and ours, by Winograd's algorithm and without it: OpenBLAS behind im2col, and
oneDNN where its sources are given.
All compute the convolutions alone, with bias, residual and a clamp of the outputs, from cold caches.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import discard, make_folder, read_json, write_json
from colonnade.common.paths import BASELINES
from colonnade.common.reference import REFERENCE
from colonnade.models.conv_shape import ConvShape
from colonnade.results.records import DenseRun, DenseRuns, ModelledProfile
from colonnade.results.tables import DENSE_BASELINES, write_table
from colonnade.targets.target import Target
from colonnade.tuning.space import SCHEDULE
from colonnade.tuning.space import WINOGRAD as ALGORITHMS

WINOGRAD = "colnm_winograd"
DENSE = "colnm_dense"
TUNED = "colnm_tuned"

# The vectors that the libraries are built for.
_VLEN = 256


def run_baselines(target: Target, conv: ConvShape, seed: int, threads: int, output: Path) -> None:
    """Run a convolution by other libraries, on operands of that seed, and write the report to `output`.

    Raises:
        ColonnadeError: time is not modelled, for one core of the vectors that libraries are built for.
    """
    target.need_model(str(output))
    if (target.vlen, threads) != (_VLEN, 1):
        raise ColonnadeError(
            f"target {target.name}: vlen {target.vlen}, throughput.threads {threads}: dense"
            f" baselines are built for vlen {_VLEN} and 1 thread"
        )
    timing = output.with_suffix(".timing")
    make_folder(output.parent)
    arguments = ["--conv", str(conv), "--seed", str(seed), "--relu"]
    try:
        printed = target.run(BASELINES, arguments, timing=timing)
    finally:
        discard(timing)
    lines = [json.loads(line) for line in printed.splitlines()]
    runs = [{key: line[key] for key in DenseRun.__annotations__} for line in lines]
    write_json(output, {"conv": str(conv), "runs": runs})


def baselines_table(
    profiles: Sequence[Path],
    baselines: Sequence[Path],
    layers: Sequence[tuple[str, ConvShape]],
    model: str,
    target: Target,
    table: Path,
) -> None:
    """Write `dense_baselines.csv`: every distinct convolution by every implementation.

    Args:
        profiles: of the distinct convolutions, what tuning tried.
        baselines: of the same in the same order, what `run_baselines` wrote.
        layers: the network's convolutions, by layer.
        model: the network's name.
        target: where they ran.
        table: the file to write.

    Raises:
        ColonnadeError: a file is missing or damaged, or tells of another convolution.
    """
    target.need_model(str(table))
    count = Counter(str(conv) for _, conv in layers)
    tuned = [read_json(path, ModelledProfile) for path in profiles]
    sparsities = sorted(
        {each["sparsity"] for found in tuned for each in found["searches"] if each["sparsity"]}
    )
    rows = []
    for profile, path in zip(tuned, baselines, strict=True):
        runs = read_json(path, DenseRuns)
        if runs["conv"] != profile["conv"]:
            raise ColonnadeError(f"{path}: conv {runs['conv']}; allowed: {profile['conv']}")
        same = {
            "model": model,
            "conv": profile["conv"],
            "layers": count[profile["conv"]],
            "target": target.name,
            "evidence": target.evidence,
        }
        rows += [{**same, **row} for row in (*_dense(profile, runs), *_pruned(profile, sparsities))]
    write_table(table, DENSE_BASELINES, rows)


def _dense(profile: Mapping[str, Any], runs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    macs = ConvShape.parse(profile["conv"]).macs
    yield _row(REFERENCE, REFERENCE, macs, profile["reference"]["cycles"])
    # What computes something else is no baseline, however fast.
    right = [run for run in runs["runs"] if run["right"]]
    for library in dict.fromkeys(run["implementation"] for run in right):
        run = _fastest([each for each in right if each["implementation"] == library])
        yield _row(library, run["candidate"], macs, run["cycles"])
    trials = _dense_trials(profile)
    winograd = [each for each in trials if each["algorithm"] in ALGORITHMS]
    multiplying = [each for each in trials if each not in winograd]
    for implementation, tried in ((DENSE, multiplying), (WINOGRAD, winograd)):
        if tried:
            ours = _fastest(tried)
            yield _row(implementation, _schedule(ours), macs, ours["cycles"])


def _pruned(profile: Mapping[str, Any], sparsities: Sequence[float]) -> Iterator[dict[str, Any]]:
    """Of each sparsity what the pruned network runs: where pruning does not pay, the dense one."""
    dense = _fastest(_dense_trials(profile))
    for sparsity in sparsities:
        searches = [each for each in profile["searches"] if each["sparsity"] == sparsity]
        ran = _fastest([dense, *(trial for each in searches for trial in each["trials"])])
        row = _row(TUNED, _schedule(ran), ran["useful_macs"], ran["cycles"])
        yield row | {"sparsity": sparsity}


def _dense_trials(profile: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    reduction = ConvShape.parse(profile["conv"]).reduction
    (trials,) = [each["trials"] for each in profile["searches"] if each["kept"] == reduction]
    return trials  # type: ignore[no-any-return]


def _fastest(trials: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return min(trials, key=lambda trial: int(trial["cycles"]))


def _row(implementation: str, candidate: str, macs: int, cycles: int) -> dict[str, Any]:
    return {
        **{"implementation": implementation, "sparsity": 0.0, "candidate": candidate},
        **{"cycles": cycles, "mac_per_cycle": macs / cycles},
    }


def _schedule(report: Mapping[str, Any]) -> str:
    return ":".join(str(report[key]) for key in SCHEDULE)
