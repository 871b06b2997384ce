# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""`colonnade optimize`: what it hands on, what it prints, and that it writes nothing when it refuses."""

from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern
from colonnade.config.study import FINETUNE
from colonnade.data.pictures import Normalisation
from colonnade.package.optimize import Optimized
from colonnade.package.tuned import Tuner

from .conftest import PX, call, said


def test_a_network_becomes_a_package_and_what_stays_dense_is_told(
    source: Path, tmp_path: Path
) -> None:
    told = said("optimize", source, tmp_path / "made", "--tile", 4, "--sparsity", 0.75)
    assert told == {
        "folder": str(tmp_path / "made"),
        "package": str(tmp_path / "made/package"),
        "target": None,
        "pruned": ["wide"],
        "dense": {"stem.0": "reads images", "deep": "8 groups"},
        "sparsity": 0.75,
        # Without data.
        **dict.fromkeys(("top1_dense", "top1_pruned")),
    }
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert names == ["dense.safetensors", "package", "pruned.safetensors"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--threads", 4], "--threads: 4; allowed with --target only"),
        (["--epochs", 3], "--epochs: 3; allowed with --data only"),
        (["--lr", 0.1], "--lr: 0.1; allowed with --data only"),
        (["--data", ".", "--lr", "nan"], "--lr: nan; allowed: numbers between 0 and 1"),
        (["--data", "no-folder"], "--data: path: "),
        (["--pictures", "no-folder"], "no-folder: no such folder; needed: one with pictures"),
        (["--pictures", ".", "--grouped"], "--grouped: allowed without --pictures: "),
        (["--mean", 0, 0, 0, "--data", "."], "--mean: allowed without --data, which says how"),
        (["--std", 1, 0, 1], "--std: 1.0 0.0 1.0; allowed: numbers from 1e-06 to"),
        (["--weights", "w.pth"], "has weights of its own; allowed with --weights: torchvision:"),
        (["--target", "hots"], "target: 'hots'; allowed: board, c908, host, x280, x60"),
        (
            ["--mean", 123.7, 116.3, 103.5],
            "--mean: 123.7 116.3 103.5; allowed: .*, as pixels are in 0 to 1",
        ),
    ],
)
def test_what_is_wrong_is_told_and_nothing_written(
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[Any],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ColonnadeError, match=words):
        call("optimize", source, "made", *options)
    assert list(tmp_path.iterdir()) == []


class Library:
    """In place of the library's `optimize`: keeps what it was given, and where it was called."""

    def __init__(self) -> None:
        self.arguments: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}
        self.folder = Path()

    def __call__(self, *arguments: Any, **options: Any) -> Optimized:
        self.arguments, self.options, self.folder = arguments, options, Path.cwd()
        top1 = (0.75, 0.625) if options["finetuning"] is not None else ()
        return Optimized(["a", "b"], {"c": "is no faster pruned"}, 0.5, *top1)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    found = Library()
    monkeypatch.setattr("colonnade.package.optimize.optimize", found)
    return found


def test_threads_that_a_configuration_has_not_are_refused_as_the_option(library: Library) -> None:
    result = call("optimize", "net.onnx", "made", "--target", "x60", "--threads", 100)
    assert result.exit_code == 2
    assert "'--threads': 100 is not in the range 1<=x<=64" in result.output
    assert library.arguments == ()


def test_data_give_images_their_size_and_training_its_epochs(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train", "val"):
        (tmp_path / "data" / name / "one").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    options = ["--data", "data", "--epochs", 7, "--lr", 2e-4, "--image-px", 64, "--grouped"]
    options += ["--weights", "w.pth"]
    told = call("optimize", "torchvision:resnet18", "made", *options).output
    assert "top-1 on data/val: 75.00% as it came, 62.50% pruned\n" in told
    source, folder, pattern, tile, px = library.arguments
    # What is no file stays as it was typed.
    assert (source, folder) == (Path("torchvision:resnet18"), tmp_path / "made")
    assert (pattern, tile, px) == (Pattern(m="full", sparsity=0.5), 8, 64)
    assert library.options["weights"] == tmp_path / "w.pth"
    assert library.options["grouped"] is True
    assert library.options["tuner"] is None
    found = library.options["finetuning"]
    assert (found.data.path, found.data.image_px) == (tmp_path / "data", 64)
    trained = found.training.finetune
    assert (trained.epochs, trained.optimizer.lr) == (7, 2e-4)
    assert trained.norm_batches == FINETUNE.norm_batches
    call("optimize", "torchvision:resnet18", "made", "--data", "data")
    again = library.options["finetuning"]
    # As the recorded study does, but for its average.
    assert again.training.finetune == FINETUNE.model_copy(update={"average": None})
    # The size of the network's images decides.
    assert library.arguments[-1] is None
    assert "image_px" not in again.data.model_fields_set


def test_pictures_are_made_into_images_as_the_options_say(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = call("optimize", "net.onnx", "made", "--pictures", "some", "--std", 2, 3, 4).output
    assert library.options["pictures"] == tmp_path / "some"
    assert "pixels were taken as 0 to 1" not in told
    told = call("optimize", "net.onnx", "made", "--pictures", "some").output
    assert "pixels were taken as 0 to 1: where the network wants them normalised, --mean" in told
    call("optimize", "net.onnx", "made", "--pictures", "some", "--std", 2, 3, 4)
    assert library.options["normalisation"] == Normalisation((0, 0, 0), (2, 3, 4))
    call("optimize", "net.onnx", "made")
    assert (library.options["pictures"], library.options["normalisation"]) == (None, None)


def test_a_target_is_tuned_for_in_the_checkout(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("containers/versions.env", "Snakefile", "inner/net.onnx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    made: list[tuple[Any, ...]] = []

    def of(*arguments: Any) -> str:
        made.append(arguments)
        assert arguments[-1].is_dir()
        return "the tuner"

    monkeypatch.setattr(Tuner, "of", of)
    monkeypatch.setattr("colonnade.cli.optimizing.named_target", lambda name: f"target {name}")
    monkeypatch.chdir(tmp_path / "inner")
    options = ["--target", "x60", "--threads", 3, "--tile", 5, "--image-px", PX]
    result = call("optimize", "net.onnx", "made", *options)
    assert result.stdout.splitlines() == [
        "c: stays dense: is no faster pruned",
        "made: 2 convolutions pruned, of whose weights 50.0% are gone; tuned for x60",
        "package: made/package",
    ]
    source, folder, _, tile, px = library.arguments
    inner = tmp_path / "inner"
    assert (source, folder, tile, px) == (inner / "net.onnx", inner / "made", 5, PX)
    assert (library.options["tuner"], library.folder) == ("the tuner", tmp_path)
    call("optimize", "net.onnx", "made", "--target", "x60")
    assert [each[:-1] for each in made] == [
        ("target x60", PX, 3, 5),
        # Without a size that of the network, and the tile is tuning's choice.
        ("target x60", None, 1, None),
    ]
    assert list((tmp_path / "results/build").iterdir()) == []
