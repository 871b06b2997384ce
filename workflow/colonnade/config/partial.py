# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Models of which only some fields are there: reading another one is refused.

So checks of several keys run on those of a wrong configuration that are right, and all mistakes are
told at once.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from colonnade.config.section import ON_DISK
from colonnade.config.sources import sections_of

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[str | int, ...]


class MissingKeyError(Exception):
    """A check read a key whose value is wrong, so it cannot tell anything."""


def with_fields(
    kind: type[Model], given: Mapping[str, Any], refusal: Callable[[str], Exception]
) -> Model:
    """A model with the values `given` and without any other, defaults neither.

    Args:
        kind: the model.
        given: checked values by field.
        refusal: what is raised where a field that was not given is read, by its name.
    """

    def refuse(_: BaseModel, name: str) -> Any:
        if name in kind.model_fields:
            raise refusal(name)
        raise AttributeError(name)

    members = {"__getattr__": refuse, "__module__": kind.__module__}
    lacking: type[Model] = type(kind.__name__, (kind,), members)
    made = lacking.model_construct(**given)
    for name in kind.model_fields.keys() - given.keys():
        made.__dict__.pop(name, None)
    return made


def right_part(kind: type[Model], values: Mapping[str, Any], wrong: Collection[Location]) -> Model:
    """What is right of `values`, each key by itself; of one that is wrong reading is refused.

    Args:
        kind: the model that `values` are refused as.
        values: all of them.
        wrong: where the mistakes are, from here.

    Raises:
        MissingKeyError: when a check reads a wrong key of the model that is returned.
    """
    given: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        inside = [location[1:] for location in wrong if location[:1] == (name,)]
        sections = list(sections_of(field.annotation))
        value = values.get(name)
        if inside and len(sections) == 1 and isinstance(value, Mapping):
            given[name] = right_part(sections[0], value, inside)
        elif not inside and name in values:
            try:
                adapter = TypeAdapter[Any](field.rebuild_annotation())
                given[name] = adapter.validate_python(value, context=ON_DISK)
            except ValidationError:
                # Nothing of it was looked at: its section was refused as a whole.
                continue
        elif not inside and not field.is_required():
            given[name] = field.get_default(call_default_factory=True)
    return with_fields(kind, given, MissingKeyError)


def contradictions(part: BaseModel) -> list[str]:
    """What the checks of a section as a whole say of its right part."""
    found = []
    for name, validator in type(part).__pydantic_decorators__.model_validators.items():
        if validator.info.mode == "after":
            try:
                getattr(part, name)()
            except ValueError as error:
                found.append(str(error))
            except MissingKeyError:
                continue
    return found
