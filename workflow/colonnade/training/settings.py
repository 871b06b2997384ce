"""Configuration section `training`: the dense training and the fine-tuning after pruning.

Defaults are the recipe of the embedded data set. For ImageNet see config/imagenet.yaml.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AdamWConfig(_Section):
    """AdamW (Loshchilov and Hutter, arXiv 1711.05101)."""

    name: Literal["adamw"] = "adamw"
    lr: float = Field(gt=0)
    weight_decay: float = Field(default=0.01, ge=0)


class SGDConfig(_Section):
    """Stochastic gradient descent with momentum; weight decay is added to the gradient."""

    name: Literal["sgd"]
    lr: float = Field(gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(default=1e-4, ge=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov: true: needs a momentum above 0")
        return self


class StepSchedule(_Section):
    """The learning rate is multiplied by `factor` after every `every` epochs."""

    name: Literal["step"]
    every: int = Field(ge=1)
    factor: float = Field(gt=0, le=1)


class CosineSchedule(_Section):
    """The learning rate rises linearly for `warmup_epochs`, then falls to 0 along a half cosine.

    It moves with every batch (Loshchilov and Hutter, arXiv 1608.03983, without restarts).
    """

    name: Literal["cosine"] = "cosine"
    warmup_epochs: float = Field(default=0, ge=0)


OptimizerConfig = Annotated[AdamWConfig | SGDConfig, Field(discriminator="name")]
ScheduleConfig = Annotated[StepSchedule | CosineSchedule, Field(discriminator="name")]


class PhaseConfig(_Section):
    """One training phase. `clip_norm` bounds the gradient's norm; null leaves it alone."""

    epochs: int = Field(ge=0)
    batch_size: int = Field(default=64, ge=2)
    optimizer: OptimizerConfig
    schedule: ScheduleConfig = CosineSchedule()
    clip_norm: float | None = Field(default=None, gt=0)
    label_smoothing: float = Field(default=0, ge=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        warmup = self.schedule.warmup_epochs if isinstance(self.schedule, CosineSchedule) else 0
        if self.epochs and warmup >= self.epochs:
            raise ValueError(f"warmup_epochs: {warmup:g}: allowed: less than epochs, {self.epochs}")
        return self


class TrainingConfig(_Section):
    """Both phases. On one CPU, equal seed and `threads` give equal checkpoints, byte for byte.

    `processes` share every batch, each with `threads` threads, or a GPU of its own. `bfloat16` is
    mixed precision: weights and the loss stay float32. `dense.epochs: 0` takes `model.weights` as
    they are.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["float32", "bfloat16"] = "float32"
    processes: int = Field(default=1, ge=1, le=1024)
    threads: int = Field(default=2, ge=1, le=1024)
    dense: PhaseConfig = PhaseConfig(epochs=12, optimizer=AdamWConfig(lr=2e-3))
    finetune: PhaseConfig = PhaseConfig(epochs=6, optimizer=AdamWConfig(lr=1e-3))

    @property
    def alone(self) -> Self:
        """The same in a single process, as evaluation runs."""
        return self.model_copy(update={"processes": 1})
