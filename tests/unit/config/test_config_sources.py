# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Sources of a configuration become one by what the models say, and every value has limits."""

import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from colonnade.common.errors import ColonnadeError
from colonnade.config.reading import read_config
from colonnade.config.reference import schema
from colonnade.config.schema import Config
from colonnade.config.sources import (
    TAG,
    merge,
    parse_command_line,
    read_yaml,
    sections_of,
    tags_of,
)

ROOT = Path(__file__).resolve().parents[3]
DEFAULT = ROOT / "config/default.yaml"
TARGETS = ROOT / "config/targets"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernels").symlink_to(ROOT / "kernels")
    (tmp_path / "imagenet").mkdir()
    monkeypatch.chdir(tmp_path)


def read(*files: Path, **command_line: Any) -> Config:
    return read_config(command_line, [*files, DEFAULT], TARGETS)[0]


def refusal(*files: Path, **command_line: Any) -> str:
    with pytest.raises(ColonnadeError) as caught:
        read(*files, **command_line)
    return str(caught.value)


def variants(
    model: type[BaseModel], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], list[type[BaseModel]]]]:
    """Every key below `model` whose section has variants, and these."""
    for name, field in model.model_fields.items():
        sections = list(sections_of(field.annotation))
        if len(sections) > 1:
            yield (*path, name), sections
        for section in sections:
            yield from variants(section, (*path, name))


VARIANTS = dict(variants(Config))


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for part in reversed(path):
        value = {part: value}
    return dict(value)


def inside(values: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        values = values[part]
    return values


def test_there_are_sections_with_variants() -> None:
    paths = {".".join(path) for path in VARIANTS}
    assert {
        "data",
        "study.data",
        "training.dense.optimizer",
        "training.finetune.schedule",
        "pruning.recipe.schedule",
    } <= paths


@pytest.mark.parametrize("path", VARIANTS, ids=".".join)
def test_a_variant_keeps_nothing_of_another(path: tuple[str, ...]) -> None:
    sections = VARIANTS[path]
    pairs = [(a, b) for a in sections for b in sections if a is not b]
    assert pairs
    for one, other in pairs:
        full = dict.fromkeys(one.model_fields, f"of {one.__name__}")
        lower = nested(path, {**full, TAG: tags_of(one)[0]})
        higher = nested(path, {TAG: tags_of(other)[0]})
        assert inside(merge(Config, [lower, higher]), path) == {TAG: tags_of(other)[0]}


@pytest.mark.parametrize("path", VARIANTS, ids=".".join)
def test_the_same_variant_merges_key_by_key(path: tuple[str, ...]) -> None:
    assert len(VARIANTS[path]) > 1
    for section in VARIANTS[path]:
        tag = tags_of(section)[0]
        lower = nested(path, {TAG: tag, "kept": 1, "changed": 1})
        for higher in ({TAG: tag, "changed": 2}, {"changed": 2}):
            merged = inside(merge(Config, [lower, nested(path, higher)]), path)
            assert merged.items() >= {TAG: tag, "kept": 1, "changed": 2}.items()


def test_imagenet_does_not_get_the_size_of_digits() -> None:
    assert read(data={"name": "imagenet", "path": "imagenet"}).data.image_px == 224
    asked = read(data={"name": "imagenet", "path": "imagenet", "image_px": 32})
    assert asked.data.image_px == 32


def test_one_nested_key_leaves_the_defaults_beside_it(tmp_path: Path) -> None:
    before, after = read().training, read(training={"dense": {"epochs": 1}}).training
    assert after.dense == before.dense.model_copy(update={"epochs": 1})
    assert after.finetune == before.finetune
    mine = tmp_path / "mine.yaml"
    mine.write_text("study: {training: {threads: 3}}")
    assert read(mine).study.training.dense == read().study.training.dense


def test_the_command_line_is_read_as_yaml() -> None:
    arguments = ["seed=7", "model={weights: null}", "training={dense: {clip_norm: null}}"]
    values = parse_command_line([*arguments, "training={threads: 1}", "model.name=resnet50"])
    assert values == {
        "seed": 7,
        "model": {"weights": None, "name": "resnet50"},
        "training": {"dense": {"clip_norm": None}, "threads": 1},
    }
    assert read(**values).model.name == "resnet50"
    with pytest.raises(ColonnadeError, match=r"--config: data: '\{name: x'; allowed: a YAML value"):
        parse_command_line(["data={name: x"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2024-13-45", "month must be in 1..12"),
        ("9" * 5000, "Exceeds the limit"),
        ("!!set {a}", "line 1: !!set is none of JSON's types"),
        ("!!binary aGVsbG8=", "line 1: !!binary is none of JSON's types"),
        ("&x [*x]", ""),
        (f"[{', '.join(['&x ' + str([0] * 1000)] + ['*x'] * 100)}]", "more than 100000 values"),
    ],
    ids=lambda text: text[:20],
)
def test_what_stands_for_no_plain_value_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ColonnadeError) as told:
        parse_command_line([f"seed={text}"])
    assert re.match(r"--config: seed: '.{1,79}; allowed: a YAML value \(", str(told.value))
    assert reason in str(told.value)
    mine = tmp_path / "mine.yaml"
    mine.write_text(f"seed: {text}")
    with pytest.raises(ColonnadeError, match=r"mine\.yaml: not a valid YAML file: ") as told:
        read_yaml(mine)
    assert reason in str(told.value)


def test_a_date_is_text(tmp_path: Path) -> None:
    assert parse_command_line(["seed=2024-01-02"]) == {"seed": "2024-01-02"}
    mine = tmp_path / "mine.yaml"
    mine.write_text("seed: 2024-01-02")
    assert "mine.yaml: seed: '2024-01-02'; allowed: a whole number" in refusal(mine)


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("seed: 1\nseed: 2\n")
    assert "mine.yaml" in (said := refusal(mine))
    assert "line 2: key 'seed' is given twice" in said


def test_an_alias_of_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "circle.yaml"
    path.write_text("a: &x [*x]\n")
    with pytest.raises(ColonnadeError, match=r"circle\.yaml: (not a valid|more than)"):
        read_yaml(path)


def test_what_is_not_there_is_told_at_once() -> None:
    said = refusal(
        model={"weights": "none.pth"},
        data={"name": "imagenet", "path": "none"},
        profile={"cache": "imagenet"},
        target="../targets/x60",
    ).splitlines()
    assert len(said) == 4
    for text in (
        "--config: model.weights: 'none.pth'; no such file",
        "--config: data.path: 'none'; no such folder",
        "--config: profile.cache: 'imagenet'; is a folder",
        "target: '../targets/x60'; allowed: board, c908, ",
    ):
        assert any(line.startswith(text) for line in said), said


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"model": "mobilenet_v2"}, "such as --config 'model={name: mobilenet_v2}'"),
        ({"model": 5}, "such as --config 'model={name: resnet18}'"),
        ({"model.name": "resnet50"}, "a nested key is written model: {name: ...}"),
        ({"training": {"dense": 5}}, "such as --config 'training={dense: {"),
        ({"pruning": {"patterns": [{"n": 4, "m": 4}]}}, "n: 4 of m: 4 prunes nothing"),
        (
            {"pruning": {"patterns": [{"n": 1, "m": 4, "tile": 64}]}},
            "64; allowed: less than or equal",
        ),
        ({"model": {"weights": ""}}, "model.weights: ''"),
        ({"profile": {"tiles": [8, 8]}}, "given twice: 8"),
        ({"throughput": {"batch": 200}}, "allowed with image_px: 224: 1 to 64"),
    ],
    ids=str,
)
def test_mistakes_are_told_with_what_is_allowed(values: dict[str, Any], expected: str) -> None:
    said = refusal(**values)
    assert len(said.splitlines()) == 1
    assert expected in said


def schemas(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if node.get("type") in ("integer", "number", "array"):
            yield path, node
        for key, value in node.items():
            yield from schemas(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from schemas(value, f"{path}/{index}")


def test_every_number_and_list_has_limits() -> None:
    found = list(schemas(json.loads(schema())))
    assert len(found) > 50
    # Its limits depend on `m`: test_impossible_patterns_are_refused.
    checked = [
        (path, node) for path, node in found if not path.endswith("Pattern/properties/sparsity")
    ]
    assert len(checked) == len(found) - 1
    for path, node in checked:
        if "enum" in node or "const" in node:
            continue
        high = [key for key in node if key in ("maximum", "exclusiveMaximum", "maxItems")]
        low = [key for key in node if key in ("minimum", "exclusiveMinimum", "minItems")]
        assert high, f"{path}: no upper limit: {node}"
        assert low or node["type"] == "array", f"{path}: no lower limit: {node}"


def test_a_truth_value_is_no_number_nor_is_nan() -> None:
    numbers = {
        f"{section.__name__}.{name}": (section, name)
        for section in _all_sections(Config)
        for name, field in section.model_fields.items()
        if field.annotation in (int, float)
    }
    assert len(numbers) > 30
    for label, (section, name) in numbers.items():
        for bad in (True, float("nan"), float("inf")):
            refused: set[int | str] = set()
            try:
                section.model_validate({name: bad})
            except ValidationError as error:
                refused = {item["loc"][0] for item in error.errors() if item["loc"]}
            assert name in refused, f"{label}: {bad} is taken"


def _all_sections(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = {model}
    for field in model.model_fields.values():
        for section in _models(field.annotation):
            found |= _all_sections(section)
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in typing.get_args(annotation) for model in _models(inner)]
