# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where a configuration comes from, files and command line, and how these become one.

Sections merge key by key. A section that has variants, told by its `name`, is another one where the
name differs: then nothing of what a lower source says of it is kept. Lists are taken as a whole, and
so are sections whose keys are free.
"""

import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from colonnade.common.errors import ColonnadeError

TAG = "name"
# Of a file or an argument: aliases can make a short one stand for more than any memory holds.
MAX_VALUES = 100_000
# What a text that is read may provoke.
_DAMAGE = (yaml.YAMLError, ValueError, RecursionError)
_TYPE = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """YAML's plain types, which JSON has too; a key that a mapping has twice is refused."""

    def construct_date(self, node: yaml.ScalarNode) -> str:
        # Text. A date that there is not is an error even so: Snakemake reads the same files.
        self.construct_yaml_timestamp(node)
        return str(node.value)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    line = key.start_mark.line + 1
                    raise yaml.YAMLError(f"line {line}: key {key.value!r} is given twice")
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _refuse(_loader: _Loader, node: yaml.Node) -> None:
    name = node.tag.removeprefix(_TYPE)
    raise yaml.YAMLError(f"line {node.start_mark.line + 1}: !!{name} is none of JSON's types")


_Loader.add_constructor(f"{_TYPE}timestamp", _Loader.construct_date)
for _name in ("binary", "omap", "pairs", "set"):
    _Loader.add_constructor(f"{_TYPE}{_name}", _refuse)


def _parse(text: str) -> object:
    """The value that a text stands for.

    Raises:
        yaml.YAMLError: it is no YAML, a mapping has a key twice, or there are too many values.
        ValueError: a date that there is not, or a number that is too long.
        RecursionError: nested too deep, or a value that is inside itself.
    """
    value: object = yaml.load(text, _Loader)
    if _left_of(MAX_VALUES, value) < 0:
        raise yaml.YAMLError(f"more than {MAX_VALUES} values, aliases written out")
    return value


def read_yaml(path: Path) -> object:
    """The content of a file; of an empty one, no keys.

    Raises:
        ColonnadeError: the file is missing or damaged, or holds no keys but something else, or more
            than `MAX_VALUES` values.
    """
    try:
        values = _parse(path.read_text("utf-8"))
    except OSError as error:
        raise ColonnadeError(f"{path}: cannot be read: {error.strerror}") from error
    except _DAMAGE as error:
        raise ColonnadeError(f"{path}: not a valid YAML file: {error}") from error
    if values is not None and not isinstance(values, dict):
        raise ColonnadeError(
            f"{path}: {repr(values)[:80]}; allowed: keys and values, such as seed: 1"
        )
    return values or {}


def _left_of(left: int, value: Any) -> int:
    """What is left of a number of values, counting all in `value`; below 0 if there are more."""
    left -= 1
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            if left < 0:
                break
            left = _left_of(left, each)
    return left


def parse_command_line(arguments: Sequence[str]) -> dict[str, Any]:
    """What `--config` sets: each argument is a key, dots before nested ones, `=`, and a YAML value.

    Raises:
        ColonnadeError: one line for every argument that cannot be read, or sets a key again.
    """
    values: dict[str, Any] = {}
    problems = []
    for argument in arguments:
        key, _, text = argument.partition("=")
        try:
            value = _parse(text)
        except _DAMAGE as error:
            reason = " ".join(str(error).split())
            problems.append(f"--config: {key}: {text!r:.80}; allowed: a YAML value ({reason})")
            continue
        *above, last = key.split(".")
        given: dict[str, Any] = {last: value}
        for part in reversed(above):
            given = {part: given}
        problems += [
            f"--config: {'.'.join(twice)}: given twice; allowed: once"
            for twice in _twice(values, given)
        ]
        values = _update(values, given)
    if problems:
        raise ColonnadeError("\n".join(problems))
    return values


def _twice(lower: Mapping[str, Any], higher: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The keys that both have, of sections those inside."""
    for key in lower.keys() & higher.keys():
        ours, theirs = lower[key], higher[key]
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            yield from ((key, *inner) for inner in _twice(ours, theirs))
        else:
            yield (key,)


def _update(lower: Any, higher: Any) -> Any:
    if not isinstance(lower, Mapping) or not isinstance(higher, Mapping):
        return higher
    return {**lower, **{key: _update(lower.get(key), value) for key, value in higher.items()}}


def merge(model: type[BaseModel], sources: Sequence[object]) -> dict[str, Any]:
    """Merge the values of several sources over the defaults of a model's sections.

    Args:
        model: tells which sections have variants.
        sources: contents of the sources, the one that wins last.
    """
    merged = defaults(model)
    for source in sources:
        merged = _merge_section(model, merged, source)
    return merged


def defaults(model: type[BaseModel]) -> dict[str, Any]:
    """What the sections of a model are when none is given, so that one key can be."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        sections = list(sections_of(field.annotation))
        if isinstance(field.default, BaseModel):
            values[name] = field.default.model_dump(mode="json")
        elif len(sections) == 1 and field.is_required() and field.annotation is sections[0]:
            values[name] = defaults(sections[0])
    return values


def sections_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that a value may be: one, or several variants. None inside lists, or for free keys."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) not in (tuple, dict):
        for inner in typing.get_args(annotation):
            yield from sections_of(inner)


def tags_of(section: type[BaseModel]) -> tuple[str, ...]:
    """The names by which a value says that it is this variant."""
    field = section.model_fields.get(TAG)
    return () if field is None else typing.get_args(field.annotation)


def _merge_section(model: type[BaseModel], lower: Mapping[str, Any], higher: Any) -> Any:
    if not isinstance(higher, Mapping):
        return higher
    merged = dict(lower)
    for key, value in higher.items():
        field = model.model_fields.get(key)
        merged[key] = value if field is None else _merge_value(field, lower.get(key), value)
    return merged


def _merge_value(field: FieldInfo, lower: Any, higher: Any) -> Any:
    sections = list(sections_of(field.annotation))
    if not sections or not isinstance(lower, Mapping) or not isinstance(higher, Mapping):
        return higher
    if len(sections) > 1:
        tag = higher.get(TAG, lower.get(TAG))
        if tag != lower.get(TAG):
            return higher
        # An unknown variant is refused later: how it merges does not matter.
        sections = [section for section in sections if tag in tags_of(section)] or sections
    return _merge_section(sections[0], lower, higher)
