"""Loading of weight files: everything is checked, nothing is executed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from colonnade.errors import ColonnadeError
from colonnade.models.resnet import build
from colonnade.models.weights import load_weights

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(11)
    return build("resnet18", 10).state_dict()


def _save(state: State, path: Path) -> Path:
    if path.suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_load_exactly(state: State, tmp_path: Path, suffix: str) -> None:
    model = build("resnet18", 10)
    load_weights(model, _save(state, tmp_path / f"weights{suffix}"))
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_all_misfits_are_listed_at_once(state: State, tmp_path: Path) -> None:
    bad = dict(state)
    del bad["layer1.0.bn1.weight"]
    bad["layer2.0.conv1.weight"] = torch.zeros(128, 64, 1, 1)
    bad["layer9.weight"] = torch.zeros(1)
    bad["bn1.bias"] = torch.full((64,), torch.nan)
    path = _save(bad, tmp_path / "weights.safetensors")
    model = build("resnet18", 10)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(ColonnadeError) as caught:
        load_weights(model, path)
    message = str(caught.value)
    assert message.startswith(f"{path}: 4 mismatches")
    assert "layer1.0.bn1.weight: missing" in message
    assert "layer2.0.conv1.weight: shape (128, 64, 1, 1), expected (128, 64, 3, 3)" in message
    assert "layer9.weight: unknown" in message
    assert "bn1.bias: has values that are not finite" in message
    assert "\n" not in message
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_another_classifier_only_if_asked(state: State, tmp_path: Path) -> None:
    path = _save(state, tmp_path / "weights.pth")
    model = build("resnet18", 3)
    own = model.fc.weight.clone()
    with pytest.raises(ColonnadeError, match=r"2 mismatches.*replace_fc"):
        load_weights(model, path)
    load_weights(model, path, replace_fc=True)
    assert torch.equal(model.fc.weight, own)
    assert torch.equal(model.conv1.weight, state["conv1.weight"])


def test_old_files_without_batch_counters_load(state: State, tmp_path: Path) -> None:
    old = {key: value for key, value in state.items() if "num_batches" not in key}
    load_weights(build("resnet18", 10), _save(old, tmp_path / "weights.pth"))


def test_checkpoints_of_timms_training_script_load(state: State, tmp_path: Path) -> None:
    """`{"epoch", "arch", "state_dict"}`, the names with `module.` where the model was wrapped."""
    wrapped = {f"module.{key}": value for key, value in state.items()}
    path = tmp_path / "checkpoint.pth"
    torch.save({"epoch": 3, "arch": "resnet18", "version": 2, "state_dict": wrapped}, path)
    model = build("resnet18", 10)
    load_weights(model, path)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_timms_deep_stem_variants_are_told_apart(state: State, tmp_path: Path) -> None:
    """resnet18d: a stem of three convolutions, shortcuts that pool before they project."""
    other = {key.replace("downsample.1", "downsample.2"): value for key, value in state.items()}
    other = {key.replace("downsample.0", "downsample.1"): value for key, value in other.items()}
    del other["conv1.weight"]
    other["conv1.0.weight"] = torch.zeros(32, 3, 3, 3)
    with pytest.raises(ColonnadeError, match=r"conv1\.0\.weight: unknown.*deep stem"):
        load_weights(build("resnet18", 10), _save(other, tmp_path / "weights.safetensors"))


class _Payload:
    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return (Path.touch, (self.touched,))


def test_pickled_code_is_refused_and_not_run(tmp_path: Path) -> None:
    touched, path = tmp_path / "touched", tmp_path / "weights.pth"
    torch.save({"conv1.weight": _Payload(touched)}, path)
    with pytest.raises(ColonnadeError, match="refused"):
        load_weights(build("resnet18", 10), path)
    assert not touched.exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 7, 1000, -1])
def test_truncated_files_are_named(state: State, tmp_path: Path, suffix: str, kept: int) -> None:
    path = _save({"conv1.weight": state["conv1.weight"]}, tmp_path / f"weights{suffix}")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ColonnadeError, match=r"weights\."):
        load_weights(build("resnet18", 10), path)


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": {"a": 1}}, {"a": 1}])
def test_files_that_are_no_state_dict_are_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(ColonnadeError, match="expected a state dict"):
        load_weights(build("resnet18", 10), path)


def test_missing_and_unknown_files_are_refused(tmp_path: Path) -> None:
    model = build("resnet18", 10)
    with pytest.raises(ColonnadeError, match="no such file"):
        load_weights(model, tmp_path / "weights.pth")
    with pytest.raises(ColonnadeError, match=r"allowed: \.pth, \.safetensors"):
        load_weights(model, tmp_path / "weights.onnx")
