# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What networks see in photographs, as tables."""

from collections.abc import Sequence
from pathlib import Path

from colonnade.common.files import read_json
from colonnade.config.photographs import SPARSITY
from colonnade.results.records import PhotographAgreement, PhotographRun, Shown
from colonnade.results.tables import PHOTOGRAPH_AGREEMENT, PHOTOGRAPHS, write_table


def write_photographs(
    runs: Sequence[Path], agreement: Path, shown: Path, table: Path, agreements: Path
) -> None:
    """Write `photographs.csv`, a row for each photograph of each run, and `photograph_agreement.csv`.

    Raises:
        ColonnadeError: a file is missing or damaged.
    """
    classes = read_json(shown, Shown)["classes"]
    rows = []
    for path in runs:
        ran = read_json(path, PhotographRun)
        same = {"variant": ran["variant"], "dtype": ran["dtype"], "target": ran["target"]}
        for seen in ran["seen"]:
            rows.append(
                {
                    **same,
                    **{key: seen[key] for key in ("photograph", "difference")},
                    # Of several names of a class the first.
                    "labels": "; ".join(classes[index].split(",")[0] for index in seen["best"]),
                    "same_top1": int(seen["best"][0] == seen["torch_best"]),
                    "evidence": "emulated",
                }
            )
    write_table(table, PHOTOGRAPHS, rows)
    found = read_json(agreement, dict[str, PhotographAgreement])
    write_table(
        agreements,
        PHOTOGRAPH_AGREEMENT,
        [
            {
                "variant": variant,
                "sparsity": SPARSITY,
                "crops": each["crops"],
                "same_top1_percent": 100 * each["same_top1"],
                "among_best_percent": 100 * each["among_best"],
                "evidence": "measured",
            }
            for variant, each in found.items()
        ],
    )
