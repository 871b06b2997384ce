"""Choose a schedule for every convolution by running its candidates on the target.

The method is AITemplate's: each distinct convolution is profiled over all candidates and the fastest
wins. Under the timing model a run is exact, so each candidate runs once, from cold caches.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from colonnade.config import ProfileConfig, ThroughputConfig
from colonnade.conv import ConvShape
from colonnade.files import read_json, write_json
from colonnade.tables import LAYERS, write_table
from colonnade.targets import Target

Candidate = Mapping[str, Any]


def schedule_key(conv: ConvShape, sparsity: float) -> str:
    """Key of a schedules file: the same string the runner looks up."""
    return f"{conv}|{sparsity:g}"


def profile_conv(
    target: Target,
    conv: ConvShape,
    sparsities: Sequence[float],
    settings: ProfileConfig,
    timed: ThroughputConfig,
    output: Path,
) -> None:
    """Run every candidate of one convolution and write all of them to `output` as a JSON list.

    Raises:
        ColonnadeError: the bench failed.
    """

    def joined(values: Iterable[object]) -> str:
        return ",".join(str(value) for value in values)

    modelled = target.evidence == "modelled"
    arguments = [
        *("--conv", str(conv)),
        *("--algorithm", "packed,xnnpack_nhwc_dense"),
        *("--tile", joined(settings.tiles)),
        *("--lmul", joined(settings.lmuls)),
        *("--strips", joined(settings.strips)),
        *("--sparsity", joined(sparsities)),
        *("--threads", str(timed.threads)),
        *("--repetitions", "1" if modelled else str(timed.repetitions)),
        *("--seed", str(settings.seed)),
    ]
    scratch = output.with_suffix(".timing")
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        lines = target.run("colonnade-bench", arguments, timing=scratch).splitlines()
    finally:
        scratch.unlink(missing_ok=True)
    write_json(output, [_with_time(json.loads(line), target) for line in lines])


def _with_time(candidate: dict[str, Any], target: Target) -> Candidate:
    if candidate["cycles"] is not None:
        candidate["ms"] = target.milliseconds(candidate["cycles"])
    return candidate


def choose(candidates: Sequence[Candidate], sparsity: float) -> Candidate:
    """The fastest of our candidates at one sparsity; ties go to the earlier one."""
    ours = (c for c in candidates if c["algorithm"] == "packed" and c["sparsity"] == sparsity)
    return min(ours, key=lambda candidate: float(candidate["ms"]))


def collect(
    profiles: Sequence[Path],
    layers: Sequence[tuple[str, ConvShape]],
    model: str,
    target: Target,
    schedules: Path,
    table: Path,
) -> None:
    """Write the winners as a schedules file and all candidates of all layers as `layers.csv`."""
    found = {str(entries[0]["conv"]): entries for entries in map(read_json, profiles)}
    sparsities = sorted({c["sparsity"] for entries in found.values() for c in entries})
    winners = {
        schedule_key(ConvShape.parse(conv), sparsity): choose(entries, sparsity)
        for conv, entries in found.items()
        for sparsity in sparsities
    }
    keys = ("algorithm", "tile", "lmul", "strips")
    convs = {name: {key: winner[key] for key in keys} for name, winner in sorted(winners.items())}
    header = {"format": "colonnade-schedules", "version": 1, "target": target.name}
    write_json(schedules, {**header, "convs": convs})
    rows = [
        _layer_row(candidate, layer, model, target, any(candidate is w for w in winners.values()))
        for layer, conv in layers
        for candidate in found[str(conv)]
    ]
    write_table(table, LAYERS, rows)


def _layer_row(
    candidate: Candidate, layer: str, model: str, target: Target, chosen: bool
) -> Mapping[str, Any]:
    copied = ("conv", "tile", "lmul", "strips", "sparsity", "cycles", "ms", "mac_per_cycle")
    ours = candidate["algorithm"] == "packed"
    dense = ours and candidate["sparsity"] == 0
    return {
        **{key: candidate[key] for key in copied},
        "sparsity": float(candidate["sparsity"]),
        "algorithm": "dense" if dense else candidate["algorithm"],
        "model": model,
        "layer": layer,
        "target": target.name,
        "evidence": target.evidence,
        "chosen": int(chosen),
    }


def tiles_for(
    schedules: Path, layers: Sequence[tuple[str, ConvShape]], sparsity: float
) -> dict[str, int]:
    """The tile T that profiling chose for each layer at a sparsity: the tile its mask gets."""
    convs = read_json(schedules)["convs"]
    return {layer: int(convs[schedule_key(conv, sparsity)]["tile"]) for layer, conv in layers}
