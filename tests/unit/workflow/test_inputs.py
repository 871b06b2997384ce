# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The files that rules are built from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import DigitsConfig, ImageNetConfig
from colonnade.config.model import ModelConfig
from colonnade.validation.band import read_band
from colonnade.workflow import inputs

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "kernels/generate.py",
        "kernels/src/a.c",
        "kernels/timing/src/core.c",
        "containers/Dockerfile",
        "containers/versions.env",
        "containers/steps/a.sh",
        "containers/release/a.sh",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_importing_a_source_makes_no_other(checkout: Path) -> None:
    before = [inputs.kernel_sources(), inputs.timing_sources(), inputs.recipe()]
    assert before[0] == ["kernels/generate.py", "kernels/src/a.c", "kernels/timing/marker.h"]
    assert before[1][0] == "kernels/timing/src/core.c"
    # Not what only the release image has: everything else would be built anew with it.
    assert before[2] == [
        f"containers/{name}" for name in ("Dockerfile", "versions.env", "steps/a.sh")
    ]
    for folder in ("kernels", "kernels/timing/src", "containers"):
        (checkout / folder / "__pycache__").mkdir()
        (checkout / folder / "__pycache__/generate.cpython-311.pyc").touch()
    assert [inputs.kernel_sources(), inputs.timing_sources(), inputs.recipe()] == before


def test_compiled_sources_and_other_folders_are_read_by_their_jobs_alone(checkout: Path) -> None:
    for name in (
        "workflow/colonnade/cli/a.py",
        "workflow/rules/a.smk",
        "workflow/envs/peers/tvm.txt",
        "kernels/timing/validation/main.c",
    ):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    assert inputs.library() == ["workflow/colonnade/cli/a.py", "pyproject.toml", "setup.py"]
    assert inputs.peers() == ["workflow/envs/peers/tvm.txt"]
    assert inputs.validation_sources() == [
        "kernels/timing/validation/main.c",
        "kernels/timing/marker.h",
    ]
    assert inputs.timing_sources() == [
        *("kernels/timing/src/core.c", "kernels/timing/CMakeLists.txt", "kernels/build.sh"),
    ]


@pytest.mark.parametrize(
    ("asked", "file"),
    [
        (inputs.baseline, "results/baseline/throughput.csv"),
        (inputs.layer_baseline, "results/baseline/layers.json"),
    ],
)
def test_baselines_are_read_where_there_are_any(
    checkout: Path, asked: Callable[[], list[str]], file: str
) -> None:
    assert asked() == []
    (checkout / file).parent.mkdir(parents=True)
    (checkout / file).touch()
    assert asked() == [file]


def test_data_and_weights_are_files_only_where_they_are_not_made_here(tmp_path: Path) -> None:
    weights = tmp_path / "a.safetensors"
    weights.touch()
    assert inputs.weights(ModelConfig()) == []
    assert inputs.weights(ModelConfig(weights=weights)) == [str(weights)]
    assert inputs.images(DigitsConfig()) == []
    folder = ImageNetConfig(
        name="imagenet", path=tmp_path, image_px=32, validation_share=0.25, workers=0
    )
    assert inputs.images(folder) == [str(tmp_path)]


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


MODEL = "results/build/timing/libcolonnade-timing.so"
IMAGE = "results/toolchain/image.json"
X60 = "kernels/timing/cores/x60.json"


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(
    ("name", "plain", "timed", "threads", "band", "modelled"),
    [
        (
            "x60",
            ["results/build/riscv64/colonnade-run"],
            [MODEL, X60],
            1,
            ["kernels/timing/bands/x60.json"],
            ["bounds"],
        ),
        ("host", ["results/build/host/colonnade-run"], [], 8, [], []),
        # A board says what it is by a program of its own; its time is measured, on a core.
        (
            "board",
            ["results/build/riscv64/colonnade-run", "results/build/riscv64/colonnade-probe"],
            [X60],
            8,
            [],
            [],
        ),
    ],
)
def test_a_target_needs_its_programs_and_what_takes_their_time(
    name: str,
    plain: list[str],
    timed: list[str],
    threads: int,
    band: list[str],
    modelled: list[str],
) -> None:
    found = inputs.machine(name)
    assert found.program("colonnade-run") == [IMAGE, *plain]
    assert found.timed_program("colonnade-run") == [IMAGE, *plain, *timed]
    # What is measured has all cores for itself.
    assert found.timing_threads(8) == threads
    assert found.band == band
    assert found.modelled("bounds") == modelled


@pytest.mark.usefixtures("whole")
def test_a_core_without_a_band_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(inputs, "BANDS", tmp_path)
    assert inputs.machine("x60").band == []
    assert inputs.machine("x60").retuned == []


@pytest.mark.usefixtures("whole")
def test_the_band_says_for_which_of_its_cores_schedules_are_tuned_again() -> None:
    assert inputs.machine("x60").retuned == list(
        read_band(Path("kernels/timing/bands/x60.json")).retuned
    )
    assert inputs.machine("host").retuned == []


@pytest.mark.usefixtures("whole")
def test_the_model_is_validated_with_cores_that_there_are() -> None:
    cores = inputs.validated_cores()
    assert cores == [X60, "kernels/timing/cores/c908.json", "kernels/timing/cores/x280.json"]
    assert all(Path(core).exists() for core in cores)


@pytest.mark.usefixtures("whole")
def test_a_target_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(ColonnadeError, match=r"none.*allowed: board, c908, host, x280, x60"):
        inputs.machine("none")
