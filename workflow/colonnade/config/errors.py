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

from colonnade.common.errors import ColonnadeError
from colonnade.config.partial import contradictions, right_part
from colonnade.config.section import ON_DISK
from colonnade.config.sources import TAG, tags_of

Model = TypeVar("Model", bound=BaseModel)

Key = tuple[str | int, ...]
# What it is called, and its content.
Source = tuple[str, object]

COMMAND_LINE = "--config"
_ABSENT = object()
# Where pydantic speaks to programmers.
_PLAIN = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    "int_parsing_size": "a whole number of fewer digits",
    "finite_number": "a number that is not infinite",
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "string_too_long": "text of at most {max_length} characters",
    "string_pattern_mismatch": "text of the form {pattern}",
    "path_type": "the name of a file or folder, as text",
    **dict.fromkeys(("tuple_type", "list_type"), "a list"),
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of {max_length} or fewer",
}
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
    found: list[str] = []
    checked = validate_parts(model, values, sources, found)
    problems.extend(found)
    return None if found else checked


def validated(model: type[Model], values: object, source: str) -> Model:
    """The checked model of values that are all of one source; files are looked for.

    Raises:
        ColonnadeError: one line for every mistake, naming source and key.
    """
    problems: list[str] = []
    checked = validate(model, values, [(source, values)], problems)
    if checked is None:
        raise ColonnadeError("\n".join(problems))
    return checked


def validate_parts(
    model: type[Model], values: object, sources: Sequence[Source], problems: list[str]
) -> Model | None:
    """The same, but of wrong values what is right of them; see `colonnade.config.partial`."""
    try:
        return model.model_validate(values, context=ON_DISK)
    except ValidationError as error:
        problems.extend(explain(error, model, values, sources))
        if not isinstance(values, Mapping):
            return None
        wrong = [item["loc"] for item in error.errors()]
        problems.extend(_of_right_parts(wrong, model, values, sources))
        return right_part(model, values, wrong)


def _of_right_parts(
    wrong: Sequence[Key], model: type[BaseModel], values: object, sources: Sequence[Source]
) -> list[str]:
    """What the checks of whole sections that have a wrong key say of their other keys."""
    lines = []
    around = dict.fromkeys(key[:end] for key in wrong for end in range(len(key)))
    for place in sorted(around, key=str):
        sections, path = _sections_at(model, place), _without_tags(place, values)
        content = _find(values, path)
        if place in wrong or len(sections) != 1 or not isinstance(content, Mapping):
            continue
        inside = [key[len(place) :] for key in wrong if key[: len(place)] == place]
        part = right_part(sections[0], content, inside)
        for text in contradictions(part):
            lines.append(_line(path, _located(text, sections), sources))
    return lines


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
        lines.append(_line(key, _reason(key, items, model), sources))
    return lines


def _line(key: Key, reason: str, sources: Sequence[Source]) -> str:
    """Source, key and reason; a reason that begins with a dot goes on with the key."""
    path = ".".join(map(str, key))
    if reason.startswith("."):
        path, reason = (path + reason).lstrip(".").split(": ", 1)
    return f"{_origin(key, sources)}: {path or '(all of it)'}: {reason}"


def _located(text: str, sections: Sequence[type[BaseModel]]) -> str:
    """What a section's check says; a key of it that this begins with is made part of the path."""
    first = text.partition(": ")[0]
    return f".{text}" if any(first in section.model_fields for section in sections) else text


def _key(item: ErrorDetails, values: object) -> Key:
    """Where the mistake is, without the tags that pydantic inserts for the members of a union."""
    # A default may be wrong on this machine; a user's path comes as text.
    left_out = item["type"] == "missing" or isinstance(item["input"], Path)
    return _without_tags(item["loc"], values, with_last=left_out)


def _without_tags(location: Key, values: object, *, with_last: bool = False) -> Key:
    """A place that pydantic names, as the values have it; with its last part though they have it not."""
    key: list[str | int] = []
    for position, part in enumerate(location):
        inner = _step(values, part)
        if inner is not _ABSENT or (with_last and position == len(location) - 1):
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
    if isinstance(first["input"], dict | list | tuple) and first["type"] not in _PLAIN:
        return _located(text, _sections_at(model, first["loc"]))
    return f"{_shown(first['input'])}; {text}"


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
    text = f"{_shown(item['input'])}; allowed: a section"
    if not sections:
        return text
    # The name of a variant, or of what else a section has one for, stands for the section.
    meant = [section for section in sections if item["input"] in tags_of(section)]
    if meant:
        nested = _example(meant[0], item["input"])
        others = [name for name in meant[0].model_fields if name != TAG]
        text += f" with {TAG}: {item['input']} and keys of {', '.join(others)}"
    else:
        nested = _example(sections[0])
        names = [tag for section in sections for tag in tags_of(section)]
        text += (
            f" with a {TAG} of {', '.join(names)}"
            if len(sections) > 1
            else f" with keys of {', '.join(sections[0].model_fields)}"
        )
    for part in reversed(key[1:]):
        nested = f"{{{part}: {nested}}}"
    return f"{text}, such as --config '{key[0]}={nested}'"


def _example(section: type[BaseModel], tag: object = None) -> str:
    """One key of a section with a value, as YAML in one line; with its name `tag` also what it needs."""
    if tag is not None:
        needed = {
            name: (field.examples or ["..."])[0]
            for name, field in section.model_fields.items()
            if field.is_required() and name != TAG
        }
        shown = {TAG: tag, **needed}
        return f"{{{', '.join(f'{key}: {value}' for key, value in shown.items())}}}"
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
    plain = _PLAIN.get(item["type"])
    if plain is not None:
        return f"allowed: {plain.format(**item.get('ctx', {}))}"
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
