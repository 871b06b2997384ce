# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The configuration is accepted whole, or refused with every mistake named, with file and key."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import TexturesConfig
from colonnade.config.pruning import Score
from colonnade.config.reading import read_config
from colonnade.config.schema import Config
from colonnade.config.target import TargetConfig, load_target
from colonnade.config.training import SGDConfig
from colonnade.training.loop import learning_rate

ROOT = Path(__file__).resolve().parents[3]
DEFAULT = ROOT / "config/default.yaml"
TARGETS = ROOT / "config/targets"
X60 = "kernels/timing/cores/x60.json"
BOARD = """board:
  host: k1.local
  user: me
  identity_file: ~/.ssh/key
  isa: riscv64
  cores: [0]
"""


@pytest.fixture(autouse=True)
def files_of_overlays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What config/imagenet.yaml names is there, as on a machine of somebody who uses it."""
    (tmp_path / "imagenet").mkdir()
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/resnet50.pth").touch()
    (tmp_path / "kernels").symlink_to(ROOT / "kernels")
    monkeypatch.chdir(tmp_path)


def read(*files: Path, **command_line: Any) -> tuple[Config, TargetConfig]:
    return read_config(command_line, files, TARGETS)


def read_overlay(name: str) -> Config:
    """A file of config/ on top of what it is for, with images that are there."""
    below = {
        "imagenet-sgd": [ROOT / "config/imagenet.yaml"],
        "methods": [ROOT / "config/fashion-mnist.yaml"],
    }.get(name, [])
    images: dict[str, Any] = {}
    if name in ("fashion-mnist", "methods"):
        images = {"data": {"path": "imagenet"}, "study": {"data": {"path": "imagenet"}}}
    config, _ = read(ROOT / f"config/{name}.yaml", *below, DEFAULT, **images)
    return config


def complaints(tmp_path: Path, text: str, **command_line: Any) -> list[str]:
    mine = tmp_path / "my.yaml"
    mine.write_text(text)
    with pytest.raises(ColonnadeError) as caught:
        read(mine, DEFAULT, **command_line)
    return [
        line.replace(f"{tmp_path}/", "").replace(f"{ROOT}/", "")
        for line in str(caught.value).splitlines()
    ]


def test_default_is_valid() -> None:
    config, target = read(DEFAULT)
    assert {"full0.5", "full0.75"} <= {pattern.label for pattern in config.pruning.patterns}
    assert target.is_emulated


def test_overlays_are_valid_on_top_of_default() -> None:
    # Claims are no configuration.
    names = sorted({path.stem for path in (ROOT / "config").glob("*.yaml")} - {"claims", "paper"})
    assert names == [
        *("cycles", "default", "fashion-mnist", "imagenet", "imagenet-sgd", "methods"),
        *("more-images", "nightly", "resnet50", "smoke", "textures", "tile-curve", "untrained"),
        "without-winograd",
    ]
    for name in names:
        read_overlay(name)


def test_images_that_are_not_installed_are_refused_with_what_to_do(tmp_path: Path) -> None:
    for path in ("missing", "kernels/generate.py"):
        found = complaints(tmp_path, f"data: {{name: fashion-mnist, path: {path}}}")
        assert len(found) == 1
        assert found[0].startswith("my.yaml: data.path: ")
        assert "apt-get install dataset-fashion-mnist; or name its folder" in found[0]


def test_a_default_that_is_not_there_is_named_like_what_a_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Also where the images are installed.
    images = Path("/usr/share/datasets/fashion-mnist")
    exists, is_dir = Path.exists, Path.is_dir
    monkeypatch.setattr(Path, "exists", lambda path: path != images and exists(path))
    monkeypatch.setattr(Path, "is_dir", lambda path: path != images and is_dir(path))
    (found,) = complaints(tmp_path, "data: {name: fashion-mnist}")
    assert found.startswith(f"my.yaml: data.path: '{images}'; no such folder; get it as root by:")


def test_fashion_mnist_is_trained_as_in_its_study() -> None:
    config = read_overlay("fashion-mnist")
    assert config.data == config.study.data
    assert config.training == config.study.training
    assert config.data.name == "fashion-mnist"
    assert learning_rate(config.training.finetune, 6) == pytest.approx(0)


def test_more_images_are_seen_in_as_many_steps() -> None:
    few, many = (read_overlay(name).study for name in ("default", "more-images"))
    assert isinstance(few.data, TexturesConfig)
    assert isinstance(many.data, TexturesConfig)
    assert many.data == few.data.model_copy(
        update={"train_per_class": 4 * few.data.train_per_class}
    )
    for phase in ("dense", "finetune"):
        before, after = (getattr(each.training, phase) for each in (few, many))
        # Whole epochs: of 30 and 15, a quarter rounded up.
        changed = {"epochs": -(-before.epochs // 4), "schedule": after.schedule}
        assert after == before.model_copy(update=changed)
        assert after.schedule.warmup_epochs == before.schedule.warmup_epochs / 4


def test_all_methods_are_compared_on_top_of_any_study() -> None:
    config = read_overlay("methods")
    recipes = config.study.recipes.values()
    assert config.study.data.name == "fashion-mnist"
    assert {recipe.score for recipe in recipes} == set(get_args(Score))
    assert {recipe.schedule.name for recipe in recipes} == {
        *("one-shot", "gradual", "regrow", "sr-ste")
    }
    untrained = [name for name, recipe in config.study.recipes.items() if not recipe.train]
    assert untrained == [name for name in config.study.recipes if name.endswith("-untrained")]


def test_the_tile_curve_profiles_what_its_study_prunes() -> None:
    config = read_overlay("tile-curve")
    assert config.study.groups == (4, 8, 16, 32)
    assert {pattern.sparsity for pattern in config.pruning.patterns} == set(config.study.sparsities)
    assert config.study.tiles == config.profile.tiles == (1, 2, 4, 8, 16, 30)
    # All candidates are run.
    assert len(config.profile.tiles) * len(config.profile.lmuls) <= config.profile.trials


def test_the_authors_recipes_are_those_of_their_code() -> None:
    imagenet = ROOT / "config/imagenet.yaml"
    config, _ = read(imagenet, DEFAULT)
    assert (config.training.dense.epochs, config.training.finetune.epochs) == (0, 200)
    rates = [learning_rate(config.training.finetune, epoch) for epoch in (0, 30, 199)]
    assert rates == pytest.approx([1e-4, 1e-5, 1e-10])
    config, _ = read(ROOT / "config/imagenet-sgd.yaml", imagenet, DEFAULT)
    optimizer = config.training.finetune.optimizer
    assert isinstance(optimizer, SGDConfig)
    assert (optimizer.lr, optimizer.nesterov, optimizer.weight_decay) == (0.1, True, 1e-4)


def test_textures_are_trained_as_in_the_study() -> None:
    """The overlay and the study's defaults say the same twice, as files and defaults must."""
    config, _ = read(ROOT / "config/textures.yaml", DEFAULT)
    study = config.study
    assert config.data == study.data
    assert config.training.dense == study.training.dense
    assert config.training.finetune == study.training.finetune


def test_every_mistake_is_reported_at_once_with_its_file(tmp_path: Path) -> None:
    text = """
sed: 1
target: k230
container: {engien: docker}
data: {imagepx: 32, image_px: big}
training:
  dens: {epochs: 2}
  dense: {epochs: 2, optimizer: {name: adamw, lr: -1}}
pruning:
  patterns: [{n: 5, m: 4}, {n: 1, m: 4}]
profile: {tiles: [0, 8], lmuls: [3]}
"""
    found = complaints(tmp_path, text, throughput={"batch": 0})
    assert sorted(found) == sorted(
        [
            "my.yaml: sed: unknown key; did you mean 'seed'? allowed: results, seed, target,"
            " container, model, data, training, pruning, profile, throughput, accuracy, nightly, study,"
            " small_study, budget, comparison, figures, baselines",
            f"target: 'k230'; allowed: {', '.join(target_names())} (files of config/targets)",
            "my.yaml: container.engien: unknown key; did you mean 'engine'? allowed: engine",
            "my.yaml: data.imagepx: unknown key; did you mean 'image_px'? allowed: name, image_px,"
            " augment, split_seed",
            "my.yaml: data.image_px: 'big'; allowed: a whole number",
            "my.yaml: training.dens: unknown key; did you mean 'dense'? allowed: device, precision,"
            " processes, threads, dense, finetune",
            "my.yaml: training.dense.optimizer.lr: -1; allowed: greater than 0",
            "my.yaml: pruning.patterns.0.n: 5: allowed: 1 to m, here 4",
            "my.yaml: profile.tiles.0: 0; allowed: greater than or equal to 1",
            "my.yaml: profile.lmuls.0: 3; allowed: 1, 2, 4 or 8",
            "--config: throughput.batch: 0; allowed: greater than or equal to 1",
        ]
    )


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{n: 5, m: 4}", "n: 5: allowed: 1 to m, here 4"),
        ("{n: 0, m: 4}", "allowed: greater than or equal to 1"),
        ("{n: 1, m: 0}", "allowed: greater than or equal to 1"),
        ("{n: 1}", "m: is missing"),
        ("{n: 1, m: full}", "m: full needs a sparsity"),
        ("{m: full, sparsity: 1.5}", "sparsity: 1.5: allowed: between 0 and 1"),
        ("{n: 1, m: 3.5}", "or allowed: 'full'"),
    ],
)
def test_impossible_patterns_are_refused(tmp_path: Path, pattern: str, reason: str) -> None:
    found = complaints(tmp_path, f"pruning: {{patterns: [{pattern}]}}")
    (line,) = found
    assert line.startswith("my.yaml: pruning.patterns.0") and reason in line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("profile: {tiles: [31], lmuls: [2]}", "tile 31 at lmul 2 needs 64; allowed: at most 32"),
        (
            "throughput: {threads: 16}",
            "throughput.threads: 16; allowed for the emulated target x60: 1 to 8",
        ),
        (
            "data: {name: cifar}",
            "my.yaml: data: allowed: 'digits', 'fashion-mnist', 'imagenet', 'textures'",
        ),
        (
            "study: {sparsities: [0.5]}",
            "my.yaml: study.recipe_sparsity: 0.75: allowed: 0.5",
        ),
        ("budget: {speedups: [0.5]}", "my.yaml: budget.speedups.0: 0.5; allowed: greater than"),
        (
            "pruning: {recipe: {schedule: {name: sudden}}}",
            "my.yaml: pruning.recipe.schedule: allowed: 'one-shot', 'gradual', 'regrow', 'sr-ste'",
        ),
        ("data: 5", "my.yaml: data: 5; "),
        (
            "pruning: {recipe: {repair: {}, schedule: {name: gradual}}}",
            "my.yaml: pruning.recipe.repair: not with schedule: gradual; allowed: with one-shot",
        ),
        (
            "pruning: {recipe: {train: false, schedule: {name: sr-ste}}}",
            "my.yaml: pruning.recipe.train: false: not with schedule: sr-ste; allowed: with one-",
        ),
        (
            "pruning: {recipe: {train: false, distillation: {}}}",
            "my.yaml: pruning.recipe.distillation: not with train: false; allowed: null",
        ),
        (
            "pruning: {recipe: {score: taylor, schedule: {name: sr-ste}}}",
            "my.yaml: pruning.recipe.score: taylor: allowed with schedule: sr-ste: l1, l2",
        ),
        (
            "pruning: {grouped: true, recipe: {score: second-order}}",
            "my.yaml: pruning.grouped: true: not with score: second-order; allowed: false",
        ),
        (
            "pruning: {grouped: true, recipe: {repair: {}}}",
            "my.yaml: pruning.grouped: true: not with repair; allowed: false",
        ),
        (
            "training: {finetune: {epochs: 1, optimizer: {name: adamw, lr: 1}, average: 1}}",
            "my.yaml: training.finetune.average: 1; allowed: less than 1",
        ),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, text: str, expected: str) -> None:
    found = complaints(tmp_path, text)
    assert len(found) == 1
    assert expected in found[0]


def test_missing_keys_are_asked_of_the_default(tmp_path: Path) -> None:
    only = tmp_path / "only.yaml"
    only.write_text(
        "\n".join(line for line in DEFAULT.read_text().splitlines() if not line.startswith("seed:"))
    )
    with pytest.raises(ColonnadeError, match=r"only\.yaml: seed: is missing"):
        read(only)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: emulated\n", "kind: emulated: a target of this kind needs core"),
        (f"kind: host\ncore: {X60}\n", "kind: host: a target of this kind has no core"),
        ("kind: fpga\n", "kind: 'fpga'; allowed: 'emulated', 'host' or 'board'"),
        ("kind: board\n", "kind: board: a target of this kind needs board"),
        (f"kind: host\n{BOARD}", "kind: host: a target of this kind has no board"),
        (f"kind: board\n{BOARD}", "kind: board: a target of this kind of ISA riscv64 needs core"),
        (
            f"kind: board\ncore: {X60}\n{BOARD.replace('riscv64', 'x86_64')}",
            "kind: board: a target of this kind of ISA x86_64 has no core",
        ),
        (
            f"kind: board\ncore: {X60}\n{BOARD.replace('riscv64', 'sparc')}",
            "board.isa: 'sparc'; allowed: 'riscv64', 'aarch64' or 'x86_64'",
        ),
        (
            f"kind: board\ncore: {X60}\n{BOARD.replace('k1.local', '-oProxyCommand=x')}",
            "board.host: '-oProxyCommand=x'; allowed:",
        ),
        (
            f"kind: board\ncore: {X60}\n{BOARD.replace('[0]', '[0, 1, 0]')}",
            "board.cores: given twice: 0",
        ),
        (
            f"kind: board\ncore: {X60}\n{BOARD}  password: x\n",
            "board.password: unknown key; allowed:",
        ),
        (
            f"kind: emulated\ncore: {X60}\nvlen: 256\n",
            "vlen: unknown key; allowed: kind, core, board",
        ),
        ("kind: emulated\ncore: kernels\n", "core: 'kernels'; is a folder; allowed: a file"),
        ("kind: [\n", "not a valid YAML file"),
    ],
)
def test_damaged_targets_are_refused(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ColonnadeError) as caught:
        load_target(tmp_path, "mine")
    assert expected in str(caught.value)
    assert str(tmp_path / "mine.yaml") in str(caught.value)


def target_names() -> list[str]:
    return sorted(file.stem for file in TARGETS.glob("*.yaml"))


def test_shipped_targets_are_what_their_cores_say() -> None:
    found = {name: load_target(TARGETS, name) for name in target_names()}
    assert (found["x60"].vlen, found["x60"].clock_ghz) == (256, 1.6)
    assert (found["x280"].vlen, found["x280"].clock_ghz) == (512, 1.5)
    assert (found["host"].vlen, found["host"].clock_ghz) == (None, None)
    assert (found["board"].vlen, found["board"].part) == (256, "riscv64")
    assert not found["board"].is_emulated


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("vlen", 100, "vlen: 100; allowed: 128, 256, 512 or 1024"),
        ("vlen", None, "vlen: Field required"),
        ("clock_mhz", 0, "clock_mhz: 0; allowed: greater than 0"),
        ("cores", {"count": 0}, "cores.count: 0; allowed: greater than or equal to 1"),
    ],
)
def test_what_a_core_must_say_of_a_target(
    tmp_path: Path, key: str, value: object, expected: str
) -> None:
    core = json.loads((ROOT / X60).read_text()) | {key: value}
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps({name: each for name, each in core.items() if each is not None}))
    (tmp_path / "mine.yaml").write_text(f"kind: emulated\ncore: {mine}\n")
    with pytest.raises(ColonnadeError) as caught:
        load_target(tmp_path, "mine")
    assert str(caught.value) == f"{mine}: {expected}"


def test_contradictions_with_a_target_and_with_rooms_above_are_told_at_once(
    tmp_path: Path,
) -> None:
    def refuse(config: Config) -> None:
        raise ColonnadeError(f"pruning.skip: {config.pruning.skip}")

    mine = tmp_path / "my.yaml"
    mine.write_text("throughput: {threads: 9}\npruning: {skip: [conv7]}\n")
    with pytest.raises(ColonnadeError) as caught:
        read_config({}, [mine, DEFAULT], TARGETS, [refuse])
    assert str(caught.value).splitlines() == [
        "pruning.skip: ('conv7',)",
        f"throughput.threads: 9; allowed for the emulated target x60: 1 to 8 (cores of {X60})",
    ]
