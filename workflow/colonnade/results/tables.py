# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The tables of the results contract: one schema each, checked whenever a table is written or read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from colonnade.common.errors import ColonnadeError, some
from colonnade.common.files import write_text

# Under which conditions time was measured; empty where it is modelled, and in older tables.
CONDITIONS = {
    "mhz": pl.Float64,
    "others_percent": pl.Float64,
    "steal_percent": pl.Float64,
    "under_load": pl.Int64,
}
# Of measured runs the distance of their quartiles, in percent of the median; empty as those are.
SPREAD = {"spread_percent": pl.Float64}
# What older tables of measured time have not.
_ADDED = (CONDITIONS, SPREAD)
LAYERS = {
    "model": pl.String,
    "layer": pl.String,
    "conv": pl.String,
    "target": pl.String,
    "algorithm": pl.String,
    "tile": pl.Int64,
    "lmul": pl.Int64,
    "sparsity": pl.Float64,
    "cycles": pl.Int64,
    "ms": pl.Float64,
    "mac_per_cycle": pl.Float64,
    "evidence": pl.String,
    "chosen": pl.Int64,
    "panels": pl.Int64,
    "kc_splits": pl.Int64,
    "m": pl.String,
    "kept": pl.Int64,
    **CONDITIONS,
}
# Tunings of which no choice is slower than another by more than this have given the same answer.
SAME_PERCENT = 3.0
# Of so many of the cost model's first candidates `top5_loss_percent` takes the best.
TOP = 5
# Modelled cycles of nightly runs: of each network's layers of a kind, night by night.
NIGHTS = {
    "model": pl.String,
    "run": pl.String,
    "layers": pl.String,
    "git_commit": pl.String,
    "at": pl.String,
    "cycles": pl.Int64,
    "baseline_cycles": pl.Int64,
}
# Schedules tried inside whole networks: a row for each convolution at so many kept columns, and at the
# end one of all changes together.
WHOLE = "network"
REFINEMENT = {
    "network": pl.String,
    "target": pl.String,
    "key": pl.String,
    "layers": pl.Int64,
    "alone": pl.String,
    "ms_alone": pl.Float64,
    "schedule": pl.String,
    "ms": pl.Float64,
    "changed": pl.Int64,
    "evidence": pl.String,
}
TUNER_QUALITY = {
    "model": pl.String,
    "conv": pl.String,
    "target": pl.String,
    "sparsity": pl.Float64,
    "candidates": pl.Int64,
    "trials": pl.Int64,
    "best": pl.String,
    "best_ms": pl.Float64,
    "rank_of_best": pl.Int64,
    "top5_loss_percent": pl.Float64,
    "tuned_loss_percent": pl.Float64,
    "apart_percent": pl.Float64,
    "evidence": pl.String,
    "kernels": pl.String,
}
THROUGHPUT = {
    "model": pl.String,
    "batch": pl.Int64,
    "image_px": pl.Int64,
    "target": pl.String,
    "vlen": pl.Int64,
    "threads": pl.Int64,
    "implementation": pl.String,
    "n": pl.Float64,
    "m": pl.String,
    "sparsity": pl.Float64,
    "images_per_s": pl.Float64,
    "cycles": pl.Int64,
    "speedup_vs_xnnpack_dense": pl.Float64,
    "speedup_vs_best_dense": pl.Float64,
    "evidence": pl.String,
    "checkpoint_sha256": pl.String,
    **CONDITIONS,
    **SPREAD,
}
# Of several targets.
THROUGHPUT_CORES = THROUGHPUT
# Of the paper's networks; claims know it as the throughput of a run.
PAPER = THROUGHPUT
# The same of some runs, on every core of a band.
THROUGHPUT_BAND = {"core": pl.String, **THROUGHPUT, "dtype": pl.String}
# By schedules tuned for a core of the band, and by those of the nominal core, both on that core.
SENSITIVITY_RETUNED = {
    "core": pl.String,
    "model": pl.String,
    "target": pl.String,
    "implementation": pl.String,
    "n": pl.Float64,
    "m": pl.String,
    "sparsity": pl.Float64,
    "cycles": pl.Int64,
    "retuned_cycles": pl.Int64,
    "speedup_vs_xnnpack_dense": pl.Float64,
    "retuned_speedup": pl.Float64,
}
ACCURACY = {
    "model": pl.String,
    "dataset": pl.String,
    "method": pl.String,
    "n": pl.Float64,
    "m": pl.String,
    "sparsity": pl.Float64,
    "top1": pl.Float64,
    "top1_dense": pl.Float64,
    "drop_points": pl.Float64,
    "n_images": pl.Int64,
    "executed_on": pl.String,
    "agreement_with_torch": pl.Float64,
    "checkpoint_sha256": pl.String,
}
PACKAGES = {
    "model": pl.String,
    "variant": pl.String,
    "n": pl.Float64,
    "m": pl.String,
    "sparsity": pl.Float64,
    "bytes": pl.Int64,
    "checkpoint_sha256": pl.String,
}
# Of unstructured masks `columns_kept` is a mean over rows.
PRUNED = {
    "layer": pl.String,
    "pattern": pl.String,
    "tile": pl.Int64,
    "columns": pl.Int64,
    "columns_kept": pl.Float64,
    "weights": pl.Int64,
    "weights_kept": pl.Int64,
}
VALIDATION = {
    "group": pl.String,
    "point": pl.String,
    "source": pl.String,
    "unit": pl.String,
    "published": pl.Float64,
    "modelled": pl.Float64,
    "error_percent": pl.Float64,
    "role": pl.String,
    "exception": pl.String,
}
PHOTOGRAPHS = {
    "variant": pl.String,
    "dtype": pl.String,
    "target": pl.String,
    "photograph": pl.String,
    "labels": pl.String,
    "same_top1": pl.Int64,
    "difference": pl.Float64,
    "evidence": pl.String,
}
PHOTOGRAPH_AGREEMENT = {
    "variant": pl.String,
    "sparsity": pl.Float64,
    "crops": pl.Int64,
    "same_top1_percent": pl.Float64,
    "among_best_percent": pl.Float64,
    "evidence": pl.String,
}
SENSITIVITY = {
    "kind": pl.String,
    "conclusion": pl.String,
    "nominal": pl.Float64,
    "lowest": pl.Float64,
    "lowest_with": pl.String,
    "highest": pl.Float64,
    "highest_with": pl.String,
    "holds": pl.Int64,
    "median": pl.Float64,
    "cores": pl.Int64,
}

# In column `layer`, the network as it is, without a layer pruned.
NO_LAYER = ""
LAYER_SENSITIVITY = {
    "layer": pl.String,
    "pattern": pl.String,
    "tile": pl.Int64,
    "validation_loss": pl.Float64,
    "validation_top1": pl.Float64,
}
PARETO = {
    "network": pl.String,
    "kind": pl.String,
    "dataset": pl.String,
    "sparsity": pl.Float64,
    "validation_top1": pl.Float64,
    "drop_points": pl.Float64,
    "conv_cycles": pl.Int64,
    "conv_ms": pl.Float64,
    "conv_speedup": pl.Float64,
    "cycles": pl.Int64,
    "ms": pl.Float64,
    "images_per_s": pl.Float64,
    "speedup": pl.Float64,
    "saved_percent": pl.Float64,
    "evidence": pl.String,
    "on_front": pl.Int64,
    "chosen": pl.Int64,
    "checkpoint_sha256": pl.String,
}
# What was trained, in both tables of the study.
_studied = {
    "model": pl.String,
    "dataset": pl.String,
    "method": pl.String,
    "n": pl.Float64,
    "m": pl.String,
    "tile": pl.String,
    "sparsity": pl.Float64,
    "recipe": pl.String,
    "score": pl.String,
}
STUDIED_COLUMNS = tuple(_studied)
STUDY = {
    **_studied,
    "seed": pl.Int64,
    "epochs": pl.Int64,
    "pruned_share": pl.Float64,
    "top1": pl.Float64,
    "validation_top1": pl.Float64,
    "top1_dense": pl.Float64,
    "drop_points": pl.Float64,
    "n_images": pl.Int64,
    "checkpoint_sha256": pl.String,
}
STUDY_SUMMARY = {
    **_studied,
    "seeds": pl.Int64,
    "top1_mean": pl.Float64,
    "top1_interval": pl.Float64,
    "validation_top1_mean": pl.Float64,
    "drop_mean": pl.Float64,
    "drop_interval": pl.Float64,
    "control_drop_points": pl.Float64,
    "control": pl.String,
}

# Of fewer images, at one sparsity.
SMALL_STUDY = STUDY
SMALL_STUDY_SUMMARY = STUDY_SUMMARY
TILE_CURVE = {
    "model": pl.String,
    "dataset": pl.String,
    "n": pl.Float64,
    "m": pl.String,
    "tile": pl.String,
    "sparsity": pl.Float64,
    "seeds": pl.Int64,
    "top1_mean": pl.Float64,
    "top1_interval": pl.Float64,
    "drop_mean": pl.Float64,
    "drop_interval": pl.Float64,
    "control": pl.String,
    "target": pl.String,
    "lmuls": pl.String,
    "conv_cycles": pl.Int64,
    "conv_ms": pl.Float64,
    "conv_speedup": pl.Float64,
    "evidence": pl.String,
}
RECIPE_SEARCH = {
    "candidate": pl.String,
    "optimizer": pl.String,
    "lr": pl.Float64,
    "weight_decay": pl.Float64,
    "momentum": pl.Float64,
    "schedule": pl.String,
    "warmup_epochs": pl.Float64,
    "epochs": pl.Int64,
    "batch_size": pl.Int64,
    "label_smoothing": pl.Float64,
    "average": pl.Float64,
    "norm_batches": pl.Int64,
    "sparsity": pl.Float64,
    "dense_validation_top1": pl.Float64,
    "control_validation_top1": pl.Float64,
    "control_drop_points": pl.Float64,
    "control": pl.String,
    "pruned_validation_top1": pl.Float64,
    "chosen": pl.Int64,
}

BOUNDS = {
    "model": pl.String,
    "conv": pl.String,
    "target": pl.String,
    "algorithm": pl.String,
    "tile": pl.Int64,
    "lmul": pl.Int64,
    "panels": pl.Int64,
    "kc_splits": pl.Int64,
    "sparsity": pl.Float64,
    "cycles": pl.Int64,
    "mac_per_cycle": pl.Float64,
    "fma_bound_cycles": pl.Int64,
    "memory_bound_cycles": pl.Int64,
    "bound_mac_per_cycle": pl.Float64,
    "bound_percent": pl.Float64,
    "instructions": pl.Int64,
    "vector_fma_percent": pl.Float64,
    "vector_load_percent": pl.Float64,
    "vector_store_percent": pl.Float64,
    "vector_other_percent": pl.Float64,
    "scalar_load_percent": pl.Float64,
    "scalar_other_percent": pl.Float64,
    "stalled_on_caches_percent": pl.Float64,
    "stalled_on_units_percent": pl.Float64,
    "stalled_otherwise_percent": pl.Float64,
    "l1_misses": pl.Int64,
    "l2_misses": pl.Int64,
    "evidence": pl.String,
}
PACKING = {
    "model": pl.String,
    "conv": pl.String,
    "target": pl.String,
    "sparsity": pl.Float64,
    "packed_cycles": pl.Int64,
    "packing_cycles": pl.Int64,
    "packing_percent": pl.Float64,
    "direct_cycles": pl.Int64,
    "packed_to_direct": pl.Float64,
    "evidence": pl.String,
}
DENSE_BASELINES = {
    "model": pl.String,
    "conv": pl.String,
    "layers": pl.Int64,
    "target": pl.String,
    "implementation": pl.String,
    "sparsity": pl.Float64,
    "candidate": pl.String,
    "cycles": pl.Int64,
    "mac_per_cycle": pl.Float64,
    "evidence": pl.String,
}
DECOMPOSITION = {
    "model": pl.String,
    "step": pl.String,
    "implementation": pl.String,
    "sparsity": pl.Float64,
    "cycles": pl.Int64,
    "factor_to_previous": pl.Float64,
    "evidence": pl.String,
}
# Of `colonnade board calibrate`: cycles of a sequence of instructions, or of a kernel's run.
CALIBRATION = {
    "kind": pl.String,
    "class": pl.String,
    "point": pl.String,
    "measured_cycles": pl.Float64,
    "modelled_cycles": pl.Float64,
    "error_percent": pl.Float64,
}
# Of `colonnade board run`: medians over rounds, each of which runs every network once.
BOARD_RUNS = {
    "target": pl.String,
    "board": pl.String,
    "package": pl.String,
    "implementation": pl.String,
    "checkpoint_sha256": pl.String,
    "threads": pl.Int64,
    "batch": pl.Int64,
    "image_px": pl.Int64,
    "rounds": pl.Int64,
    "ms": pl.Float64,
    "ms_least": pl.Float64,
    "ms_most": pl.Float64,
    "speedup": pl.Float64,
    "slowest_mhz": pl.Float64,
    "highest_load": pl.Float64,
    "highest_celsius": pl.Float64,
    "evidence": pl.String,
}

COMPARISON = {
    "model": pl.String,
    "batch": pl.Int64,
    "image_px": pl.Int64,
    "target": pl.String,
    "threads": pl.Int64,
    "participant": pl.String,
    "kind": pl.String,
    "version": pl.String,
    "variant": pl.String,
    "sparsity": pl.Float64,
    "ms": pl.Float64,
    "ms_q1": pl.Float64,
    "ms_q3": pl.Float64,
    "images_per_s": pl.Float64,
    "speedup_vs_best_peer": pl.Float64,
    "speedup_q1": pl.Float64,
    "speedup_q3": pl.Float64,
    "rounds": pl.Int64,
    "max_relative_error": pl.Float64,
    "reason": pl.String,
    **CONDITIONS,
    "cpu": pl.String,
    "cores": pl.Int64,
    "evidence": pl.String,
}

Schema = Mapping[str, type[pl.DataType]]


def write_table(path: Path, schema: Schema, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV with exactly the schema's columns, in its order, whole or not at all.

    Raises:
        ColonnadeError: a row has other columns, or a value of another type.
    """
    # A row that was not measured says nothing of conditions.
    untold = {name: None for added in _ADDED for name in added if name in schema}
    rows = [{**untold, **row} for row in rows]
    for row in rows:
        if set(row) != set(schema):
            wrong = sorted(set(row) ^ set(schema))
            raise ColonnadeError(f"{path}: columns missing or unknown: {', '.join(wrong)}")
    try:
        frame = pl.DataFrame(list(rows), schema=dict(schema), strict=True)
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise ColonnadeError(f"{path}: {error}") from error
    write_text(path, frame.write_csv())


def read_table(path: Path, schema: Schema) -> pl.DataFrame:
    """Read a table back. One that was written before conditions, or the spread, were told has none.

    Raises:
        ColonnadeError: it is missing, or has other columns.
    """
    try:
        frame = pl.read_csv(path, schema_overrides=dict(schema), glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ColonnadeError(f"{path}: cannot be read: {error}") from error
    for added in _ADDED:
        if added.keys() <= schema.keys() and not added.keys() & set(frame.columns):
            frame = frame.with_columns(
                pl.lit(None, kind).alias(name) for name, kind in added.items()
            )
    if frame.columns != list(schema):
        seen = some([column[:40] for column in frame.columns])
        raise ColonnadeError(f"{path}: columns {seen}; expected {', '.join(schema)}")
    return frame
