"""Top-1 over the test split: PyTorch's, and the exported package's on emulated RISC-V."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from colonnade.data import DataConfig, open_data
from colonnade.evaluate import compare, evaluate, read_logits, top1, write_images
from colonnade.files import read_json, write_json
from colonnade.tables import ACCURACY, write_table
from colonnade.targets import Target
from colonnade.training import TrainingConfig


def evaluate_variant(
    target: Target,
    data: DataConfig,
    training: TrainingConfig,
    checkpoint: Path,
    package: Path,
    implementation: str,
    output: Path,
) -> None:
    """Evaluate a checkpoint in PyTorch and its package on the target, and compare the two.

    Args:
        target: where the package runs; no time is taken.
        data: the data set whose test split is used.
        training: device and threads of PyTorch.
        checkpoint: the trained network.
        package: its export.
        implementation: the runner's implementation for the package.
        output: JSON file with top-1 of both as shares, the share of equal predictions, the largest
            difference of a logit, and what was compared.

    Raises:
        ColonnadeError: a damaged input, or a run that failed.
    """
    reference = evaluate(checkpoint, data, training)
    output.parent.mkdir(parents=True, exist_ok=True)
    images, logits, report = scratch = [
        output.with_suffix(suffix) for suffix in (".images", ".logits", ".report")
    ]
    try:
        write_images(open_data(data).test, images)
        arguments = [
            *("--package", str(package)),
            *("--implementation", implementation),
            *("--input", str(images)),
            *("--output", str(logits)),
            *("--report", str(report)),
        ]
        target.run("colonnade-run", arguments, timing=None)
        ours = read_logits(logits)
    finally:
        for file in scratch:
            file.unlink(missing_ok=True)
    agreement = compare(ours, reference.logits)
    write_json(
        output,
        {
            "checkpoint_sha256": reference.checkpoint_sha256,
            "n_images": len(reference.labels),
            "target": target.name,
            "top1_torch": reference.top1,
            "top1_target": top1(ours, reference.labels),
            "agreement": agreement.top1_agreement,
            "max_abs_logit_difference": agreement.max_abs_difference,
        },
    )


def accuracy_table(
    model: str,
    dataset: str,
    reports: Sequence[tuple[Path, Mapping[str, Any]]],
    table: Path,
) -> None:
    """Write `accuracy.csv`, top-1 in percent, from evaluations; the first one is the dense one's.

    With each evaluation come the columns that say what is pruned: method, n, m and sparsity.
    """
    read = [(read_json(path), pattern) for path, pattern in reports]
    dense = 100 * read[0][0]["top1_torch"]
    rows = []
    for report, pattern in read:
        for executed_on, top, agreement in (
            ("torch", report["top1_torch"], 1.0),
            (report["target"], report["top1_target"], report["agreement"]),
        ):
            rows.append(
                {
                    **pattern,
                    "model": model,
                    "dataset": dataset,
                    "top1": 100 * top,
                    "top1_dense": dense,
                    "drop_points": dense - 100 * top,
                    "n_images": report["n_images"],
                    "executed_on": executed_on,
                    "agreement_with_torch": agreement,
                    "checkpoint_sha256": report["checkpoint_sha256"],
                }
            )
    write_table(table, ACCURACY, rows)
