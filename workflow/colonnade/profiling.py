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


ALGORITHMS = ("direct", "packed")


def schedule_key(conv: ConvShape, sparsity: float, algorithm: str | None = None) -> str:
    """Key of a schedules file: the string the runner looks up, of one algorithm or of the winner."""
    return f"{conv}|{sparsity:g}" + ("" if algorithm is None else f"|{algorithm}")


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
        *("--algorithm", "direct,packed,xnnpack_nhwc_dense"),
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
    ours = (c for c in candidates if c["algorithm"] in ALGORITHMS and c["sparsity"] == sparsity)
    return min(ours, key=lambda candidate: float(candidate["ms"]))


def choose_each(candidates: Sequence[Candidate], winner: Candidate) -> dict[str, Candidate]:
    """The fastest candidate of each algorithm at the winner's sparsity, and with its tile if pruned."""
    tile, sparsity = winner["tile"], winner["sparsity"]
    alike = [c for c in candidates if sparsity == 0 or c["tile"] == tile]
    return {
        algorithm: choose([c for c in alike if c["algorithm"] == algorithm], sparsity)
        for algorithm in ALGORITHMS
    }


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
    winners: dict[str, Candidate] = {}
    convs: dict[str, dict[str, Any]] = {}
    for conv, entries in found.items():
        shape = ConvShape.parse(conv)
        for sparsity in sparsities:
            winner = winners[schedule_key(shape, sparsity)] = choose(entries, sparsity)
            convs[schedule_key(shape, sparsity)] = _schedule(winner)
            for algorithm, best in choose_each(entries, winner).items():
                convs[schedule_key(shape, sparsity, algorithm)] = _schedule(best)
    header = {"format": "colonnade-schedules", "version": 1, "target": target.name}
    write_json(schedules, {**header, "convs": dict(sorted(convs.items()))})
    rows = [
        _layer_row(candidate, layer, model, target, any(candidate is w for w in winners.values()))
        for layer, conv in layers
        for candidate in found[str(conv)]
    ]
    write_table(table, LAYERS, rows)


def _schedule(candidate: Candidate) -> dict[str, Any]:
    return {key: candidate[key] for key in ("algorithm", "tile", "lmul", "strips")}


def _layer_row(
    candidate: Candidate, layer: str, model: str, target: Target, chosen: bool
) -> Mapping[str, Any]:
    copied = ("conv", "tile", "lmul", "strips", "sparsity", "cycles", "ms", "mac_per_cycle")
    return {
        **{key: candidate[key] for key in copied},
        "sparsity": float(candidate["sparsity"]),
        "algorithm": candidate["algorithm"],
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
