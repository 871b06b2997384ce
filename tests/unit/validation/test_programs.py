# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A folder that measures a machine by itself, with a stand-in for the compiler."""

import os
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from colonnade.common.errors import ColonnadeError
from colonnade.evaluation.rounds import NetworkRun
from colonnade.validation.instructions import MICROBENCHMARKS
from colonnade.validation.model import TimingModel
from colonnade.validation.programs import write_programs

from .conftest import ROOT, FakeToolchain

BUILT = ("colonnade-probe", "colonnade-bench", "colonnade-run")


@pytest.fixture
def model(toolchain: FakeToolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TimingModel:
    """The stand-in in a checkout whose own programs are built."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernels").symlink_to(ROOT / "kernels")
    build = Path("results/build/riscv64")
    build.mkdir(parents=True)
    for name in BUILT:
        (build / name).write_text(f"{name}\n")
        (build / name).chmod(0o755)
    Path("chosen.json").write_text("[]\n")
    Path("work").mkdir()
    return TimingModel(toolchain, Path("model.so"), Path("work"))


@pytest.fixture
def runs(model: TimingModel) -> list[NetworkRun]:
    """Two packages of one name."""
    found = []
    for place in ("a", "b"):
        package = Path(place, "resnet18")
        package.mkdir(parents=True)
        (package / "graph.json").write_text(f"{place}\n")
        found.append(NetworkRun(package, f"colnm_{place}"))
    return found


def test_the_folder_has_all_that_its_script_reads(
    model: TimingModel, runs: list[NetworkRun]
) -> None:
    folder = Path("out/deeper")
    write_programs(model, folder, runs, Path("chosen.json"), 32)
    script = (folder / "measure.sh").read_text()
    assert script == (ROOT / "workflow/colonnade/board/measure.sh").read_text()
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *BUILT,
        *("board-microbenchmarks", "board-frequency", "kernels", "multiply", "xnnpack"),
        *("resnet18.txt", "schedules.json", "runs.txt", "sequences.txt", "images.safetensors"),
        *("measure.sh", "packages"),
    }
    # Of what the script makes itself, and the machine has, nothing is missing.
    for name in names - {"measure.sh"}:
        assert name in script, name
    assert (folder / "schedules.json").read_text() == "[]\n"
    assert all(os.access(folder / name, os.X_OK) for name in BUILT)
    images = load_file(folder / "images.safetensors")
    assert images["image"].shape == (1, 3, 32, 32)


def test_packages_of_one_name_stay_apart(model: TimingModel, runs: list[NetworkRun]) -> None:
    folder = Path("out")
    write_programs(model, folder, runs, Path("chosen.json"), 32)
    assert (folder / "runs.txt").read_text() == ("0-resnet18 colnm_a\n1-resnet18 colnm_b\n")
    for name, text in (("0-resnet18", "a\n"), ("1-resnet18", "b\n")):
        assert (folder / "packages" / name / "graph.json").read_text() == text
    # What is there already is written again.
    write_programs(model, folder, runs, Path("chosen.json"), 32)
    assert sorted(path.name for path in (folder / "packages").iterdir()) == [
        "0-resnet18",
        "1-resnet18",
    ]


def test_sequences_are_listed_in_the_order_of_the_program(
    model: TimingModel, runs: list[NetworkRun]
) -> None:
    write_programs(model, Path("out"), runs, Path("chosen.json"), 32)
    lines = Path("out/sequences.txt").read_text().splitlines()
    read = [(int(unroll), name) for unroll, _, name in (line.partition(" ") for line in lines)]
    assert read == [(each.unroll, each.name) for each in MICROBENCHMARKS]


def test_a_program_that_is_not_built_is_named(model: TimingModel, runs: list[NetworkRun]) -> None:
    Path("results/build/riscv64/colonnade-bench").unlink()
    with pytest.raises(ColonnadeError) as caught:
        write_programs(model, Path("out"), runs, Path("chosen.json"), 32)
    assert str(caught.value) == (
        "results/build/riscv64/colonnade-bench: cannot be copied to out/colonnade-bench:"
        " No such file or directory"
    )
    # Without its script the folder measures nothing.
    assert not Path("out/measure.sh").exists()


def test_a_package_that_is_not_there_is_named(model: TimingModel) -> None:
    missing = NetworkRun(Path("none/resnet18"), "colnm_dense")
    with pytest.raises(
        ColonnadeError, match=r"^none/resnet18: cannot be copied to out/packages/0-"
    ):
        write_programs(model, Path("out"), [missing], Path("chosen.json"), 32)
    assert not Path("out/measure.sh").exists()
