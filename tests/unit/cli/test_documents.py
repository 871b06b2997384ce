# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What people take away: checkpoints for other tools, and documents that are written from the code."""

import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import BASELINE
from colonnade.training.checkpoint import read_checkpoint

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = ["docs/configuration.md", "config/schema.json", "ARTIFACT.md"]


def call(*arguments: object) -> list[str]:
    """Lines that a command prints which succeeds."""
    command = [str(each) for each in arguments]
    result = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_documents_are_written_anew_from_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ARTIFACT.md", "config/claims.yaml", str(BASELINE)):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    # One claim is not what its definition says any more.
    text = Path("ARTIFACT.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| `"))
    Path("ARTIFACT.md").write_text(text.replace(row, "| `old` | a claim of before |"))
    assert call("config-reference") == DOCUMENTS
    for name in DOCUMENTS:
        assert Path(name).read_text() == (ROOT / name).read_text(), name


def test_nothing_is_written_without_a_place_for_the_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config/claims.yaml", tmp_path / "config")
    (tmp_path / "ARTIFACT.md").write_text("no list\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ColonnadeError, match=r"ARTIFACT\.md: needed: the lines <!-- claims: "):
        cli(["config-reference"], standalone_mode=False)
    assert not (tmp_path / "docs").exists()
    assert not (tmp_path / "config/schema.json").exists()
    assert (tmp_path / "ARTIFACT.md").read_text() == "no list\n"


def test_a_pruned_checkpoint_says_what_it_keeps(pruned_checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "state.pth"
    *rows, last = call("to-torch", pruned_checkpoint, output)
    source = read_checkpoint(pruned_checkpoint)
    state = torch.load(output, weights_only=True)
    weights = [state[f"{name}.weight"] for name in source.masks]
    whole = sum(each.numel() for each in weights)
    kept = 0
    for row, (name, mask), weight in zip(rows, source.masks.items(), weights, strict=True):
        # A column is kept by all channels of a tile or by none: counted in what was written.
        left = int((weight != 0).sum())
        label = source.info.plan[name].pattern.label
        assert row.startswith(f"{name}: {label}, tile {mask.tile}: ")
        words = row.split()
        told, of = int(words[-4]), int(words[-2])
        assert of == weight.numel()
        # Weights that are kept may be zero by chance.
        assert left <= told <= left * 1.01 + 1
        kept += told
    assert last == (
        f"{output}: resnet18, 3 classes; {len(rows)} pruned convolutions keep {kept} of {whole} weights"
    )
    assert list(tmp_path.iterdir()) == [output]


def test_a_dense_checkpoint_says_so(dense_checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "state.safetensors"
    assert call("to-torch", dense_checkpoint, output) == [f"{output}: resnet18, 3 classes; dense"]
    assert output.is_file()


@pytest.mark.parametrize(("command", "name"), [("to-torch", "out.onnx"), ("to-onnx", "out.pth")])
def test_another_kind_of_file_is_refused_and_not_written(
    dense_checkpoint: Path, tmp_path: Path, command: str, name: str
) -> None:
    with pytest.raises(ColonnadeError, match=rf"{name}: .*allowed: \."):
        cli([command, str(dense_checkpoint), str(tmp_path / name)], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []
