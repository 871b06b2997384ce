# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What all sections of the configuration have in common, and the limits that several of them share.

Every value is checked when the configuration is read. Limits that the programs have as well are here
once, or in colonnade.common.limits; tests/unit/config/test_limits.py compares them with what the programs
accept.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

VECTOR_REGISTERS = 32
MAX_TILE = VECTOR_REGISTERS - 1  # a tile's accumulators share them with a panel vector
MAX_PANELS = 9999
MAX_KC_SPLITS = 1024
MAX_GROUP = 65_536  # columns; beyond K a group is all of it
MAX_PATTERNS = 100


def _no_truth_value(value: Any) -> Any:
    # To Python they are 0 and 1.
    if isinstance(value, bool):
        raise ValueError("allowed: a number")  # noqa: TRY004 - pydantic collects ValueErrors
    return value


Whole = Annotated[int, BeforeValidator(_no_truth_value)]
Number = Annotated[float, BeforeValidator(_no_truth_value)]

Lmul = Annotated[Literal[1, 2, 4, 8], BeforeValidator(_no_truth_value)]
Tile = Annotated[Whole, Field(ge=1, le=MAX_TILE)]
# numpy, scikit-learn and the bench take 32 bits.
Seed = Annotated[Whole, Field(ge=0, lt=2**32)]
Share = Annotated[Number, Field(gt=0, lt=1)]


def fits_registers(tile: int, lmul: int) -> bool:
    """Whether a tile's accumulators fit the vector registers beside a panel vector."""
    return (tile + 1) * lmul <= VECTOR_REGISTERS


# A label that files are named by.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]


class Section(BaseModel):
    """A section: no key but the documented ones, no NaN, no value twice in a list."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="after")
    @classmethod
    def _nothing_twice(cls, value: Any) -> Any:
        if isinstance(value, tuple):
            twice = [item for index, item in enumerate(value) if item in value[:index]]
            if twice:
                names = (str(getattr(item, "label", item)) for item in dict.fromkeys(twice))
                raise ValueError(f"given twice: {', '.join(names)}")
        return value


def _plain(path: Path) -> Path:
    if path == Path() or not str(path).isprintable():
        raise ValueError("allowed: the name of a file or folder")
    return path


def _is_file(path: Path, info: ValidationInfo) -> Path:
    if info.context == ON_DISK and not path.is_file():
        raise ValueError("is a folder; allowed: a file" if path.is_dir() else "no such file")
    return path


def _is_folder(path: Path, info: ValidationInfo) -> Path:
    if info.context == ON_DISK and not path.is_dir():
        raise ValueError("is a file; allowed: a folder" if path.exists() else "no such folder")
    return path


def _can_be_file(path: Path, info: ValidationInfo) -> Path:
    if info.context == ON_DISK and path.is_dir():
        raise ValueError("is a folder; allowed: a file, or what does not exist yet")
    return path


def _can_be_folder(path: Path, info: ValidationInfo) -> Path:
    if info.context == ON_DISK and path.exists() and not path.is_dir():
        raise ValueError("is a file; allowed: a folder, or what does not exist yet")
    return path


# Context of a validation that also looks whether files are there: when a user's configuration is read.
ON_DISK = "on disk"

InputFile = Annotated[Path, AfterValidator(_plain), AfterValidator(_is_file)]
InputFolder = Annotated[Path, AfterValidator(_plain), AfterValidator(_is_folder)]
OutputFile = Annotated[Path, AfterValidator(_plain), AfterValidator(_can_be_file)]
OutputFolder = Annotated[Path, AfterValidator(_plain), AfterValidator(_can_be_folder)]
