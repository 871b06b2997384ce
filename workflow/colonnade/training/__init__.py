"""Training: the dense network, its pruned descendants, and the checkpoints they are kept in."""

from colonnade.training.checkpoint import (
    Checkpoint,
    CheckpointInfo,
    read_checkpoint,
    write_checkpoint,
)
from colonnade.training.hardware import Hardware, open_hardware
from colonnade.training.judge import measure, predict
from colonnade.training.loop import EpochMetrics, deterministic, learning_rate
from colonnade.training.settings import (
    AdamWConfig,
    CosineSchedule,
    PhaseConfig,
    SGDConfig,
    StepSchedule,
    TrainingConfig,
)
from colonnade.training.stages import check_same_data, prune_and_finetune, train_dense

__all__ = [
    "AdamWConfig",
    "Checkpoint",
    "CheckpointInfo",
    "CosineSchedule",
    "EpochMetrics",
    "Hardware",
    "PhaseConfig",
    "SGDConfig",
    "StepSchedule",
    "TrainingConfig",
    "check_same_data",
    "deterministic",
    "learning_rate",
    "measure",
    "open_hardware",
    "predict",
    "prune_and_finetune",
    "read_checkpoint",
    "train_dense",
    "write_checkpoint",
]
