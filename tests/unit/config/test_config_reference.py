# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The reference of configuration keys: complete, and current."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from colonnade.config.pruning import Pattern
from colonnade.config.reference import DOCUMENT, SCHEMA, _models, reference, schema
from colonnade.config.schema import Config

ROOT = Path(__file__).resolve().parents[3]


def sections(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = {model}
    for field in model.model_fields.values():
        for inner in _models(field.annotation):
            found |= sections(inner)
    return found


def test_committed_files_are_current() -> None:
    hint = "write them anew by `colonnade config-reference`"
    assert (ROOT / DOCUMENT).read_text("utf-8") == reference(), hint
    assert (ROOT / SCHEMA).read_text("utf-8") == schema(), hint


def test_every_key_has_a_meaning() -> None:
    found = sections(Config)
    assert len(found) > 20
    missing = [
        f"{section.__name__}.{name}"
        for section in found
        for name, field in section.model_fields.items()
        if not field.description
    ]
    assert missing == []


def test_every_key_of_every_section_is_on_the_page() -> None:
    text = reference()
    keys = [name for section in sections(Config) for name in section.model_fields]
    assert len(keys) > 100
    assert [name for name in keys if f"| `{name}` |" not in text] == []


def test_the_schema_accepts_the_default_configuration() -> None:
    values = yaml.safe_load((ROOT / "config/default.yaml").read_text("utf-8"))
    validator = Draft202012Validator(json.loads(schema()))
    assert list(validator.iter_errors(values)) == []
    assert list(validator.iter_errors({**values, "sed": 1}))
    assert list(validator.iter_errors({**values, "seed": -1}))


@pytest.mark.parametrize(
    ("pattern", "accepted"),
    [
        ({"n": 2, "m": 8}, True),
        ({"sparsity": 0.5, "m": "full"}, True),
        ({"m": 8}, False),
        ({"m": "full"}, False),
        ({"n": 2}, False),
    ],
)
def test_the_schema_accepts_the_patterns_that_are_valid(
    pattern: dict[str, object], accepted: bool
) -> None:
    values = yaml.safe_load((ROOT / "config/default.yaml").read_text("utf-8"))
    values["pruning"]["patterns"] = [pattern]
    assert Draft202012Validator(json.loads(schema())).is_valid(values) == accepted
    if accepted:
        Pattern(**pattern)
    else:
        with pytest.raises(ValidationError):
            Pattern(**pattern)
