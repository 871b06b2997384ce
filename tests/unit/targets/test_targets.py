# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

from pathlib import Path
from types import SimpleNamespace

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.board import BoardConfig
from colonnade.config.target import TargetConfig
from colonnade.targets.target import Target, as_given, inside_checkout, of_one_length

EMULATED = TargetConfig(kind="emulated", vlen=256, core=Path("core.json"), clock_ghz=1.6)
ARM = TargetConfig(
    kind="board",
    board=BoardConfig(host="arm", user="me", identity_file=Path("key"), isa="aarch64", cores=(0,)),
)
BUILT = ("riscv64/colonnade-bench", "timing/libcolonnade-timing.so", "host/colonnade-bench")


def _target(config: TargetConfig) -> Target:
    return Target("mine", config, SimpleNamespace())  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("config", "rules", "missing"),
    [
        (EMULATED, "kernels_riscv64 timing_model", BUILT[:2]),
        (TargetConfig(kind="host"), "kernels_host", BUILT[2:]),
        (ARM, "kernels_aarch64", ("aarch64/colonnade-bench", "aarch64/colonnade-probe")),
    ],
)
def test_what_is_not_built_is_named_with_what_builds_it(
    config: TargetConfig, rules: str, missing: tuple[str, ...]
) -> None:
    names = ", ".join(f"results/build/{name}" for name in missing)
    with pytest.raises(ColonnadeError) as caught:
        _target(config).check_built("colonnade-bench")
    assert (
        str(caught.value) == f"{names}: not built yet; `snakemake {rules}` builds what is missing"
    )
    for name in missing:
        path = Path("results/build", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    _target(config).check_built("colonnade-bench")


def test_a_core_outside_the_checkout_is_refused_by_name(tmp_path: Path) -> None:
    core = tmp_path / "my_core.json"
    target = _target(EMULATED.model_copy(update={"core": core}))
    with pytest.raises(
        ColonnadeError, match=rf"target mine: core: {core}: lies outside the checkout"
    ):
        target.command("colonnade-bench", timing=Path("timing"))


def test_paths_are_told_as_the_container_sees_them(checkout: Path) -> None:
    core = checkout / "cores/mine.json"
    target = _target(EMULATED.model_copy(update={"core": core}))
    command, _ = target.command("colonnade-bench", timing=Path("timing"))
    assert any("core=cores/mine.json,out=timing" in part for part in command)
    assert inside_checkout(Path("..a/file"), "key") == Path("..a/file")


@pytest.mark.parametrize("name", ["a", "results/run/file", "x" * 254, "x" * 255, "x/" * 200 + "y"])
def test_names_of_files_have_one_length_and_are_told_as_they_were(
    checkout: Path, name: str
) -> None:
    found = of_one_length(Path(name))
    assert len(found) % 256 == 0
    assert Path(found) == Path(name)
    assert as_given(f"error: {found}: damaged; ../{name}") == f"error: {name}: damaged; ../{name}"


def test_the_guest_sees_paths_of_one_length_and_no_other_variables() -> None:
    seen = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        seen.append(command)
        return SimpleNamespace(stdout="")

    target = Target("mine", EMULATED, SimpleNamespace(run=run))  # type: ignore[arg-type]
    for folder in ("a", "longer/by/far"):
        arguments = ["--package", Path(folder, "package"), "--threads", "1"]
        target.run("colonnade-run", arguments, timing=Path(folder, "timing"))
    one, other = ([part for part in command if "core.json" not in part] for command in seen)
    assert one != other
    assert list(map(len, one)) == list(map(len, other))
    assert one[:2] == ["env", "-i"]
    target.run("colonnade-run", [Path("package")], timing=None)
    assert seen[-1][-1] == "package"
