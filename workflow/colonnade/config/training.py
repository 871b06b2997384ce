# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Configuration section `training`: the dense training and the fine-tuning after pruning.

Defaults are the recipe of the embedded data set. For ImageNet see config/imagenet.yaml.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from colonnade.config.section import Number, Section, Whole

Rate = Annotated[Number, Field(gt=0, le=1e6)]
Decay = Annotated[Number, Field(ge=0, le=1e6)]

_RATE = "Learning rate, at its highest."


class AdamWConfig(Section):
    """AdamW (Loshchilov and Hutter, arXiv 1711.05101)."""

    name: Literal["adamw"] = Field(default="adamw", description="This optimizer.")
    lr: Rate = Field(description=_RATE, examples=[0.001])
    weight_decay: Decay = Field(
        default=0.01, description="Per step and unit of learning rate, apart from the gradient."
    )


class SGDConfig(Section):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"] = Field(description="This optimizer.")
    lr: Rate = Field(description=_RATE, examples=[0.1])
    momentum: Number = Field(
        default=0.9, ge=0, lt=1, description="Share of the last step that the next one keeps."
    )
    nesterov: bool = Field(
        default=False, description="Nesterov's momentum; it needs a `momentum` above 0."
    )
    weight_decay: Decay = Field(
        default=1e-4, description="Times the weight, added to the gradient."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov: true: needs a momentum above 0")
        return self


class StepSchedule(Section):
    """The learning rate is multiplied by `factor` after every `every` epochs."""

    name: Literal["step"] = Field(description="This schedule.")
    every: Whole = Field(ge=1, le=100_000, description="Epochs between two steps.", examples=[30])
    factor: Number = Field(
        gt=0, le=1, description="What the learning rate is multiplied by.", examples=[0.1]
    )


class CosineSchedule(Section):
    """The learning rate rises linearly for `warmup_epochs`, then falls to 0 along a half cosine.

    It moves with every batch (Loshchilov and Hutter, arXiv 1608.03983, without restarts).
    """

    name: Literal["cosine"] = Field(default="cosine", description="This schedule.")
    warmup_epochs: Number = Field(
        default=0, ge=0, le=100_000, description="Epochs of the rise, fewer than `epochs`."
    )


OptimizerConfig = Annotated[AdamWConfig | SGDConfig, Field(discriminator="name")]
ScheduleConfig = Annotated[StepSchedule | CosineSchedule, Field(discriminator="name")]


class PhaseConfig(Section):
    """One training phase."""

    epochs: Whole = Field(
        ge=0, le=100_000, description="Passes over the training split; 0 trains nothing."
    )
    batch_size: Whole = Field(
        default=64, ge=2, le=65_536, description="Images a step, of all processes together."
    )
    optimizer: OptimizerConfig = Field(description="How weights follow from gradients.")
    schedule: ScheduleConfig = Field(
        default=CosineSchedule(), description="How the learning rate moves."
    )
    clip_norm: Number | None = Field(
        default=None,
        gt=0,
        le=1e9,
        description="Bound of the gradient's norm; null leaves it alone.",
    )
    label_smoothing: Number = Field(
        default=0, ge=0, lt=1, description="Share of a label that is spread over all classes."
    )

    average: Number | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Share that an exponential moving average of the weights keeps at every step; the"
        " average is what is judged and kept. null: the weights themselves.",
    )
    norm_batches: Whole = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Batches of training images on which the statistics of batch norms are taken"
        " anew at the end, under the final masks; 0 leaves the running ones.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        warmup = self.schedule.warmup_epochs if isinstance(self.schedule, CosineSchedule) else 0
        if self.epochs and warmup >= self.epochs:
            raise ValueError(f"warmup_epochs: {warmup:g}: allowed: less than epochs, {self.epochs}")
        return self


class TrainingConfig(Section):
    """Both phases. On one CPU, equal seed and `threads` give equal checkpoints, byte for byte."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="`auto` is a GPU where there is one."
    )
    precision: Literal["float32", "bfloat16", "auto"] = Field(
        default="float32",
        description="`bfloat16` is mixed precision: weights and the loss stay float32. `auto` takes it"
        " where the device multiplies bfloat16 itself, an x86 CPU by AVX-512 or AMX.",
    )
    processes: Whole = Field(
        default=1,
        ge=1,
        le=1024,
        description="They share every batch, each with `threads` threads, or a GPU of its own.",
    )
    threads: Whole = Field(default=2, ge=1, le=1024, description="Of a process, on a CPU.")
    dense: PhaseConfig = Field(
        default=PhaseConfig(epochs=12, optimizer=AdamWConfig(lr=2e-3)),
        description="Training of the dense network. `epochs: 0` takes `model.weights` as they are.",
    )
    finetune: PhaseConfig = Field(
        default=PhaseConfig(epochs=6, optimizer=AdamWConfig(lr=1e-3)),
        description="Training of a pruned network, from the dense one.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        smallest = min(self.dense.batch_size, self.finetune.batch_size)
        if self.processes > smallest:
            raise ValueError(
                f"processes: {self.processes}: allowed: at most batch_size, here {smallest}"
            )
        return self

    @property
    def alone(self) -> Self:
        """The same in a single process, as evaluation runs."""
        return self.model_copy(update={"processes": 1})
