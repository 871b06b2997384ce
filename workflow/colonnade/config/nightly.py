# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Configuration section `nightly`: what is compared with the baseline, and what is no regression."""

from typing import Annotated

from pydantic import Field

from colonnade.common.datatypes import DTYPES, Dtype
from colonnade.common.limits import PROGRAM_THREADS
from colonnade.config.model import ModelName
from colonnade.config.section import Number, Section, Whole


class MatrixConfig(Section):
    """What `nightly-cycles` runs: every network on every target, in every datatype and number of threads.

    Networks have fixed weights, so that no training is part of it, and schedules that the cost model
    puts first. Convolutions that read images or have groups stay dense.
    """

    networks: tuple[ModelName, ...] = Field(
        default=("resnet50", "mobilenet_v2"),
        min_length=1,
        max_length=100,
        description="With all their convolutions.",
    )
    targets: tuple[str, ...] = Field(
        default=("x60", "x280"),
        min_length=1,
        max_length=100,
        description="Emulated ones of `config/targets/`; by default of VLEN 256 and 512.",
    )
    dtypes: tuple[Dtype, ...] = Field(
        default=DTYPES,
        min_length=1,
        max_length=len(DTYPES),
        description="In which networks are run.",
    )
    threads: tuple[Annotated[Whole, Field(ge=1, le=PROGRAM_THREADS)], ...] = Field(
        default=(1, 8),
        min_length=1,
        max_length=100,
        description="At most the cores of each target.",
    )
    image_px: Whole = Field(
        default=224,
        ge=32,
        le=1792,
        multiple_of=32,
        description="Width and height of the images, in pixels.",
    )
    sparsity: Number = Field(
        default=0.5, gt=0, lt=1, description="Share of the columns that every tile leaves out."
    )


class NightlyConfig(Section):
    """Section `nightly`: what `nightly-cycles` runs, and how much slower is no regression.

    The slowdown is in percent of the baseline's cycles: of layers in `nightly-cycles`, of networks in
    `nightly-regression`.
    """

    allowed_slowdown_percent: Number = Field(
        ge=0, le=1e6, description="In modelled cycles; they repeat exactly, but masks may differ."
    )
    matrix: MatrixConfig = Field(default=MatrixConfig(), description="What `nightly-cycles` runs.")
