# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What is wrong with a configuration, in lines that a user can act on.

pydantic finds the mistakes; here each becomes `source: key: value seen; what is allowed`.
"""

import difflib
import json
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from colonnade.config.section import ON_DISK
from colonnade.config.sources import TAG, tags_of

Model = TypeVar("Model", bound=BaseModel)

Key = tuple[str | int, ...]
# What it is called, and its content.
Source = tuple[str, object]

COMMAND_LINE = "--config"
_ABSENT = object()
_SECTION_ERRORS = ("model_type", "model_attributes_type", "dict_type")


def validate(
    model: type[Model], values: object, sources: Sequence[Source], problems: list[str]
) -> Model | None:
    """The checked model of `values`, files looked for; or None, and lines of `problems`.

    Args:
        model: the model.
        values: the merged configuration.
        sources: what it was merged from, the one that wins first.
        problems: gets the lines.
    """
    try:
        return model.model_validate(values, context=ON_DISK)
    except ValidationError as error:
        problems.extend(explain(error, model, values, sources))
        return None


def explain(
    error: ValidationError, model: type[BaseModel], values: object, sources: Sequence[Source]
) -> list[str]:
    """One line for every mistake.

    Args:
        error: what pydantic found when it validated `values` as `model`.
        model: the model.
        values: the merged configuration.
        sources: what it was merged from, the one that wins first.
    """
    wrong: dict[Key, list[ErrorDetails]] = {}
    for item in error.errors():
        wrong.setdefault(_key(item, values), []).append(item)
    lines = []
    for key, items in wrong.items():
        inside = any(other[: len(key)] == key and other != key for other in wrong)
        # A list whose items were refused is also reported as too short.
        if inside and all(item["type"] == "too_short" for item in items):
            continue
        path = ".".join(map(str, key)) or "(all of it)"
        lines.append(f"{_origin(key, sources)}: {path}: {_reason(key, items, model)}")
    return lines


def _key(item: ErrorDetails, values: object) -> Key:
    """Where the mistake is, without the tags that pydantic inserts for the members of a union."""
    key: list[str | int] = []
    for position, part in enumerate(item["loc"]):
        last = position == len(item["loc"]) - 1
        inner = _step(values, part)
        # A default may be wrong on this machine; a user's path comes as text.
        left_out = item["type"] == "missing" or isinstance(item["input"], Path)
        if inner is not _ABSENT or (last and left_out):
            key.append(part)
            values = inner
    return tuple(key)


def _step(values: object, part: str | int) -> object:
    if isinstance(values, Mapping):
        return values.get(part, _ABSENT)
    if isinstance(values, list | tuple) and isinstance(part, int) and part < len(values):
        return values[part]
    return _ABSENT


def _find(values: object, key: Key) -> object:
    for part in key:
        values = _step(values, part)
    return values


def _origin(key: Key, sources: Sequence[Source]) -> str:
    """The source that has the key, or the section that should have it; else the one that has most."""
    # A list is one source's as a whole.
    within = next((end for end, part in enumerate(key) if isinstance(part, int)), len(key))
    for end in range(within, 0, -1):
        for name, content in sources:
            if _find(content, key[:end]) is not _ABSENT:
                return name
    return sources[-1][0]


def _reason(key: Key, items: Sequence[ErrorDetails], model: type[BaseModel]) -> str:
    first = items[0]
    if first["type"] == "missing":
        return "is missing"
    if first["type"] == "union_tag_not_found":
        tags = [tag for section in _sections_at(model, first["loc"]) for tag in tags_of(section)]
        return f"{TAG} is missing; allowed: {', '.join(tags)}"
    if first["type"] == "extra_forbidden":
        return _unknown(first["loc"], model)
    if first["type"] in _SECTION_ERRORS and len(items) == 1:
        return _no_section(key, first, model)
    messages = dict.fromkeys(_message(item) for item in items)
    text = " or ".join(messages)
    # A validator of a whole section or list says itself which of its values is wrong.
    whole = isinstance(first["input"], dict | list | tuple)
    return text if whole else f"{_shown(first['input'])}; {text}"


def _unknown(location: Key, model: type[BaseModel]) -> str:
    key = str(location[-1])
    allowed = [name for each in _sections_at(model, location[:-1]) for name in each.model_fields]
    allowed = list(dict.fromkeys(allowed))
    section, _, rest = key.partition(".")
    if rest and section in allowed:
        return (
            f"unknown key; a nested key is written {section}: {{{rest.replace('.', ': {')}: ...}}"
        )
    close = difflib.get_close_matches(key, allowed, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown key; {hint}allowed: {', '.join(allowed)}"


def _no_section(key: Key, item: ErrorDetails, model: type[BaseModel]) -> str:
    """A value stands where a section belongs: which keys that has, and how one of them is set."""
    sections = _sections_at(model, item["loc"])
    names = list(dict.fromkeys(name for section in sections for name in section.model_fields))
    text = f"{_shown(item['input'])}; allowed: a section"
    if not names:
        return text
    nested = _example(sections[0])
    for part in reversed(key[1:]):
        nested = f"{{{part}: {nested}}}"
    return f"{text} with keys of {', '.join(names)}, such as --config '{key[0]}={nested}'"


def _example(section: type[BaseModel]) -> str:
    """One key of a section with a value, as YAML in one line."""
    for name, field in section.model_fields.items():
        if isinstance(field.default, BaseModel):
            return f"{{{name}: {_example(type(field.default))}}}"
        values = [field.default, *(field.examples or []), *typing.get_args(field.annotation)]
        plain = [value for value in values if isinstance(value, str | int | float | list)]
        if plain:
            return f"{{{name}: {_shown(plain[0], quoted=False)}}}"
    return "{}"


def _shown(value: object, quoted: bool = True) -> str:
    """A value in one line, null and truth values as YAML has them; long ones are cut."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Path):
        value = str(value)
    text = repr(value) if quoted else str(value).replace("'", "")
    return text if len(text) <= 100 else f"{text[:100]}..."


def _message(item: ErrorDetails) -> str:
    if item["type"] == "union_tag_invalid":
        return f"allowed: {item['ctx']['expected_tags']}"
    text = item["msg"].removeprefix("Value error, ")
    allowed = text.removeprefix("Input should be ")
    return text if allowed == text else f"allowed: {allowed}"


def _sections_at(model: type[BaseModel], location: Key) -> list[type[BaseModel]]:
    """The sections that may stand where `location` points to, tags included."""
    models = [model]
    for part in location:
        fields: list[FieldInfo] = [
            m.model_fields[str(part)] for m in models if str(part) in m.model_fields
        ]
        if fields:
            models = [inner for field in fields for inner in _models(field.annotation)]
        elif isinstance(part, str):
            models = [m for m in models if part in tags_of(m)] or models
    return models


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in typing.get_args(annotation) for model in _models(inner)]
