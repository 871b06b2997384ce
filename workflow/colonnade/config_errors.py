"""What is wrong with a configuration, in lines that a user can act on.

pydantic finds the mistakes; here each becomes `file: key: value seen; what is allowed`.
"""

import difflib
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Key = tuple[str | int, ...]

COMMAND_LINE = "--config"
_ABSENT = object()


def explain(
    error: ValidationError,
    model: type[BaseModel],
    values: object,
    files: Sequence[tuple[Path, object]],
) -> list[str]:
    """One line for every mistake.

    Args:
        error: what pydantic found when it validated `values` as `model`.
        model: the model.
        values: the merged configuration.
        files: the files it was merged from with their contents, the one that wins first. What none
            of them says came from the command line.
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
        lines.append(f"{_origin(key, values, files)}: {path}: {_reason(items, model)}")
    return lines


def _key(item: ErrorDetails, values: object) -> Key:
    """Where the mistake is, without the tags that pydantic inserts for the members of a union."""
    key: list[str | int] = []
    for position, part in enumerate(item["loc"]):
        last = position == len(item["loc"]) - 1
        inner = _step(values, part)
        if inner is not _ABSENT or (last and item["type"] == "missing"):
            key.append(part)
            values = inner
    return tuple(key)


def _step(values: object, part: str | int) -> object:
    if isinstance(values, Mapping):
        return values.get(part, _ABSENT)
    if isinstance(values, list) and isinstance(part, int) and part < len(values):
        return values[part]
    return _ABSENT


def _find(values: object, key: Key) -> object:
    for part in key:
        values = _step(values, part)
    return values


def _origin(key: Key, values: object, files: Sequence[tuple[Path, object]]) -> str:
    seen = _find(values, key)
    if seen is _ABSENT:
        # A missing key is asked of the file that has the section it belongs to.
        return _origin(key[:-1], values, files) if len(key) > 1 else str(files[-1][0])
    for path, content in files:
        if _find(content, key) == seen:
            return str(path)
    for path, content in files:
        # Sections are merged key by key: no single file has all of one.
        if isinstance(seen, Mapping) and _find(content, key) is not _ABSENT:
            return str(path)
    return COMMAND_LINE


def _reason(items: Sequence[ErrorDetails], model: type[BaseModel]) -> str:
    first = items[0]
    if first["type"] == "missing":
        return "is missing"
    if first["type"] == "extra_forbidden":
        allowed = _keys_beside(model, first["loc"])
        close = difflib.get_close_matches(str(first["loc"][-1]), allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"unknown key; {hint}allowed: {', '.join(allowed)}"
    messages = dict.fromkeys(_message(item) for item in items)
    text = " or ".join(messages)
    # A validator of a whole section says itself which of its values is wrong.
    return text if isinstance(first["input"], dict | list) else f"{first['input']!r}; {text}"


def _message(item: ErrorDetails) -> str:
    if item["type"] == "union_tag_invalid":
        return f"allowed: {item['ctx']['expected_tags']}"
    text = item["msg"].removeprefix("Value error, ")
    allowed = text.removeprefix("Input should be ")
    return text if allowed == text else f"allowed: {allowed}"


def _keys_beside(model: type[BaseModel], location: Key) -> list[str]:
    """Keys that may stand where `location` points to, tags included."""
    models = [model]
    for part in location[:-1]:
        fields = [m.model_fields[str(part)] for m in models if str(part) in m.model_fields]
        if fields:
            models = [inner for field in fields for inner in _models(field.annotation)]
        elif isinstance(part, str):
            models = [m for m in models if part in _tags(m)] or models
    return list(dict.fromkeys(name for m in models for name in m.model_fields))


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in typing.get_args(annotation) for model in _models(inner)]


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    """The names by which a section says that it is this model: see the discriminated unions."""
    field = model.model_fields.get("name")
    return () if field is None else typing.get_args(field.annotation)
