# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The reference of all configuration keys, written from the models that check them.

docs/configuration.md and config/schema.json are these texts; a test compares them.
"""

import json
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from colonnade.config.schema import Config
from colonnade.config.sources import TAG, sections_of, tags_of

DOCUMENT = Path("docs/configuration.md")
SCHEMA = Path("config/schema.json")

_HEAD = """# Configuration

Every key, from the models that check it (`colonnade config-reference` writes this page and
`config/schema.json`). `config/default.yaml` is the default configuration; what it leaves out has the
default below, and what is needed it has. Set a key on the command line, a nested one with dots or as a
YAML mapping, or in a file of your own, which wins over the default:

    snakemake -n full-run --config seed=7 profile.trials=5 'accuracy={n_images: 100, batch: 8}'
    snakemake -n full-run --configfile config/nightly.yaml

All mistakes are told at once, each with its file, its key and what is allowed.
"""
_LIMITS = {
    "ge": "at least {}",
    "gt": "above {}",
    "le": "at most {}",
    "lt": "below {}",
    "multiple_of": "a multiple of {}",
    "min_length": "of a length of at least {}",
    "max_length": "of a length of at most {}",
    "pattern": "of the form `{}`",
}


_STANDARD = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}


def reference() -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *_section("", Config)]) + "\n"


def schema() -> str:
    """The JSON Schema of a configuration file."""
    values = _standard(Config.model_json_schema())
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _standard(node: Any) -> Any:
    """pydantic leaves limits of numbers that have a validator of their own under its own names."""
    if isinstance(node, dict):
        return {_STANDARD.get(key, key): _standard(value) for key, value in node.items()}
    return [_standard(each) for each in node] if isinstance(node, list) else node


def _section(path: str, model: type[BaseModel]) -> Iterator[str]:
    """A section's keys as a table, then its own sections."""
    if path:
        variant = tags_of(model)
        yield f"## `{path}`" + (f", `{TAG}: {', '.join(variant)}`" if _is_variant(model) else "")
        yield ""
        yield " ".join((model.__doc__ or "").split())
        yield ""
    yield "| key | values | default | meaning |"
    yield "|---|---|---|---|"
    inner: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        yield f"| `{name}` | {_values(field)} | {_default(field)} | {field.description or ''} |"
        inner += [(f"{path}.{name}" if path else name, each) for each in _models(field.annotation)]
    yield ""
    for key, each in inner:
        yield from _section(key, each)


def _is_variant(model: type[BaseModel]) -> bool:
    return len(tags_of(model)) == 1


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The sections that a value is made of, those in lists and under free keys too."""
    found = list(sections_of(annotation))
    if not found:
        found = [model for inner in typing.get_args(annotation) for model in _models(inner)]
    return list(dict.fromkeys(found))


def _values(field: FieldInfo) -> str:
    limits = _limits(field.metadata)
    return _type(field.annotation) + (f", {limits}" if limits else "")


def _limits(metadata: list[Any]) -> str:
    """Limits of a value, in words."""
    words = []
    for each in metadata:
        for name, text in _LIMITS.items():
            value = getattr(each, name, None)
            if value is not None:
                words.append(text.format(value))
        inner = getattr(each, "metadata", None)
        if isinstance(inner, list):
            words += filter(None, [_limits(inner)])
    return ", ".join(words)


_NAMES = {int: "whole number", float: "number", str: "text", bool: "true or false", Path: "path"}


def _type(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is type(None):
        return "null"
    if origin is typing.Annotated:
        limits = _limits(list(arguments[1:]))
        return _type(arguments[0]) + (f" ({limits})" if limits else "")
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(each) for each in arguments))
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"mapping of {_type(arguments[0])} to {_type(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "needed" if field.is_required() else ""
    if isinstance(field.default, BaseModel):
        return "below"
    values = field.default
    if isinstance(values, tuple | dict) and re.search(r"=|\{", str(values)):
        return "see `config/default.yaml`"
    text = json.dumps(list(values) if isinstance(values, tuple) else values, default=str)
    return f"`{text}`"
