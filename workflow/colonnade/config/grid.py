# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Grids of runs: networks, batches, threads, datatypes and sparsities, each with all others."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from colonnade.common.datatypes import Dtype
from colonnade.common.limits import MAX_THREADS
from colonnade.config.errors import validated
from colonnade.config.model import ModelName
from colonnade.config.schema import MAX_BATCH
from colonnade.config.section import MAX_PATTERNS, InputFile, Section, Share, Whole
from colonnade.config.sources import read_yaml


def _below_results(folder: str) -> str:
    if not re.fullmatch(r"results/\w[\w.-]*", folder):
        raise ValueError("allowed: a folder below results, such as results/paper")
    return folder


class Grid(Section):
    """A file such as `config/paper.yaml`: what is run, on top of which files of the configuration."""

    configfiles: tuple[InputFile, ...] = Field(min_length=1)
    # With a folder below it for each network and batch.
    results: Annotated[str, AfterValidator(_below_results)]
    # Each with the convolutions that stay dense.
    networks: Annotated[dict[ModelName, tuple[str, ...]], Field(min_length=1)]
    batches: Annotated[tuple[Annotated[Whole, Field(ge=1, le=MAX_BATCH)], ...], Field(min_length=1)]
    threads: Annotated[
        tuple[Annotated[Whole, Field(ge=1, le=MAX_THREADS)], ...], Field(min_length=1)
    ]
    dtypes: Annotated[tuple[Dtype, ...], Field(min_length=1)]
    sparsities: Annotated[tuple[Share, ...], Field(min_length=1, max_length=MAX_PATTERNS)]


def read_grid(path: Path) -> Grid:
    """Read the file of a grid.

    Raises:
        ColonnadeError: it cannot be read, or one line for every wrong or missing key.
    """
    return validated(Grid, read_yaml(path), str(path))
