# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""All mistakes are told at once, those of several keys too, in words for users, each with its key."""

from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.sources import parse_command_line
from colonnade.workflow.workflow import Workflow

pytestmark = pytest.mark.usefixtures("clone")
DEFAULT = Path("config/default.yaml").resolve()

SECTION = "a section with "


def refused(*arguments: str) -> list[str]:
    """What is said of a command line, line by line."""
    with pytest.raises(ColonnadeError) as caught:
        Workflow.from_config(parse_command_line(arguments), [DEFAULT])
    return str(caught.value).splitlines()


def keys(lines: list[str]) -> list[str]:
    """The keys that lines are about."""
    return sorted(line.removeprefix("--config: ").partition(": ")[0] for line in lines)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("throughput.threads=9", "seed=-1", "pruning.skip=[conv2]", "model.weights=nope"),
            ["model.weights", "pruning.skip", "seed", "throughput.threads"],
        ),
        (
            ("throughput={batch: 3136, image_px: 1792, repetitions: 0, threads: 9}",),
            ["throughput.batch", "throughput.repetitions", "throughput.threads"],
        ),
        (
            ("throughput={batch: 3136, image_px: 1792, threads: 9}",),
            ["throughput.batch", "throughput.threads"],
        ),
        (
            ("training={processes: 1000, threads: 0}",),
            ["training.processes", "training.threads"],
        ),
        (
            ("training.dense.optimizer={name: sgd, nesterov: true, momentum: 0, lr: -1}",),
            ["training.dense.optimizer.lr", "training.dense.optimizer.nesterov"],
        ),
        (
            ("study.recipes={a: {repair: {}, permute: 7, schedule: {name: gradual}}}",),
            ["study.recipes.a.permute", "study.recipes.a.repair"],
        ),
        # What a check needs is wrong itself: it says nothing.
        (("target=k230", "throughput.threads=9"), ["target"]),
        (("throughput.threads=many", "seed=x"), ["seed", "throughput.threads"]),
        (("model.name=lenet", "pruning.skip=[conv2]"), ["model.name"]),
        (("throughput={batch: 3136, image_px: 0}",), ["throughput.image_px"]),
    ],
    ids=lambda each: "-".join(each) if isinstance(each, list) else "",
)
def test_what_other_keys_hide_is_told_with_them(
    arguments: tuple[str, ...], told: list[str]
) -> None:
    assert keys(refused(*arguments)) == told


@pytest.mark.parametrize("folder", ["mine", "results"])
def test_results_of_another_scope_are_told_with_the_rest(folder: str, clone: Path) -> None:
    (clone / folder).mkdir()
    (clone / folder / "scope.json").write_text('{"model.name": "resnet50"}')
    lines = refused("seed=-1")
    assert keys(lines) == (["results", "seed"] if folder == "results" else ["seed"])


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("pruning.patterns=[]", "pruning.patterns: []; allowed: a list of 1 or more"),
        ("seed=seven", "seed: 'seven'; allowed: a whole number"),
        ("seed=1.5", "seed: 1.5; allowed: a whole number"),
        ("profile.margin_percent=much", "profile.margin_percent: 'much'; allowed: a number"),
        ("pruning.recipe.permute=7", "pruning.recipe.permute: 7; allowed: true or false"),
        ("results=5", "results: 5; allowed: text"),
        ("profile.tiles=8", "profile.tiles: 8; allowed: a list"),
        ("pruning.skip=['']", "pruning.skip.0: ''; allowed: text that is not empty"),
        (
            "pruning.patterns=[{n: 4, m: 4}]",
            "pruning.patterns.0.n: 4 of m: 4 prunes nothing; allowed: n below m (the dense network is"
            " always run)",
        ),
        (
            "study.sparsities=[0.75, 0.3]",
            "study.sparsities.1: 0.3; allowed: multiples of 1/32, for the N:M patterns",
        ),
        (
            "study.candidates={a: {epochs: 0, optimizer: {name: adamw, lr: 1}}}",
            "study.candidates.a.epochs: 0: allowed: at least 1",
        ),
        (
            "data=imagenet",
            f"data: 'imagenet'; allowed: {SECTION}name: imagenet and keys of image_px,"
            " validation_share, split_seed, min_crop_area, workers, path, devkit, such as --config"
            " 'data={name: imagenet, path: imagenet}'",
        ),
        (
            "data=cifar",
            f"data: 'cifar'; allowed: {SECTION}a name of digits, fashion-mnist, imagenet, textures,"
            " such as --config 'data={name: digits}'",
        ),
        (
            "container=podman",
            f"container: 'podman'; allowed: {SECTION}keys of engine, such as --config"
            " 'container={engine: auto}'",
        ),
    ],
    ids=lambda each: each if "=" in each and "allowed" not in each else "",
)
def test_refusals_are_in_words_for_users(argument: str, said: str) -> None:
    assert refused(argument) == [f"--config: {said}"]


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("seed=seven", "seed=8"), "seed"),
        (("target=x60", "target=host"), "target"),
        (("training={threads: 1}", "training.threads=2"), "training.threads"),
        (("training.dense.epochs=1", "training=5"), "training"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_key_given_twice_on_the_command_line_is_refused(
    arguments: tuple[str, ...], key: str
) -> None:
    assert refused(*arguments) == [f"--config: {key}: given twice; allowed: once"]
