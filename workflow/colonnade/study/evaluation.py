# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a network of the study can do."""

from pathlib import Path

from colonnade.common.files import write_json
from colonnade.config.data import DataConfig
from colonnade.config.training import TrainingConfig
from colonnade.evaluation.top1 import judged, open_checkpoint, top1
from colonnade.pruning.layers import sparsity_of
from colonnade.training.judge import predict


def evaluate_run(
    checkpoint: Path, data: DataConfig, training: TrainingConfig, output: Path
) -> None:
    """Top-1 of a checkpoint in float32 over the validation and the test split, as JSON.

    Recipes are compared by the first, which training never saw; the second is what is reported.

    Raises:
        ColonnadeError: a damaged checkpoint, or other data than it was trained on.
    """
    source, images = open_checkpoint(checkpoint, data)
    with judged(source, training) as (network, hardware):
        shares = {
            name: top1(predict(network, split, hardware).numpy(), split.labels.numpy())
            for name, split in (("validation", images.validation), ("test", images.test))
        }
    write_json(
        output,
        {
            "checkpoint_sha256": source.sha256,
            "model": source.info.model,
            "dataset": source.info.dataset,
            "epochs": source.info.epochs,
            "pruned_share": sparsity_of(source.masks) if source.masks else 0.0,
            "n_images": len(images.test),
            "top1": shares["test"],
            "validation_top1": shares["validation"],
        },
    )
