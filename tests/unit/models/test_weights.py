# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Loading of weight files: everything is checked, nothing is executed."""

import argparse
import copy
import functools
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from colonnade.common.errors import ColonnadeError
from colonnade.models.module import Network, build
from colonnade.models.weights import load_weights

pytestmark = pytest.mark.slow

State = dict[str, Tensor]


@functools.cache
def _drawn(name: str, num_classes: int) -> Network:
    return build(name, num_classes)


def built(name: str, num_classes: int) -> Network:
    """A network of its own, whose weights are not `state`; drawing them takes longer than a copy."""
    return copy.deepcopy(_drawn(name, num_classes))


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
    model = built("resnet18", 10)
    load_weights(model, "resnet18", _save(state, tmp_path / f"weights{suffix}"))
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_all_misfits_are_listed_at_once(state: State, tmp_path: Path) -> None:
    bad = dict(state)
    del bad["layer1.0.bn1.weight"]
    bad["layer2.0.conv1.weight"] = torch.zeros(128, 64, 1, 1)
    bad["layer9.weight"] = torch.zeros(1)
    bad["bn1.bias"] = torch.full((64,), torch.nan)
    path = _save(bad, tmp_path / "weights.safetensors")
    model = built("resnet18", 10)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(ColonnadeError) as caught:
        load_weights(model, "resnet18", path)
    message = str(caught.value)
    assert message.startswith(f"{path}: 4 mismatches with resnet18")
    assert "layer1.0.bn1.weight: missing" in message
    assert "layer2.0.conv1.weight: shape (128, 64, 1, 1), expected (128, 64, 3, 3)" in message
    assert "layer9.weight: unknown" in message
    assert "bn1.bias: has values that are not finite" in message
    assert "\n" not in message
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_another_classifier_only_if_asked(state: State, tmp_path: Path) -> None:
    path = _save(state, tmp_path / "weights.pth")
    model = built("resnet18", 3)
    own = model.fc.weight.clone()
    with pytest.raises(ColonnadeError, match=r"2 mismatches.*replace_fc"):
        load_weights(model, "resnet18", path)
    load_weights(model, "resnet18", path, replace_fc=True)
    assert torch.equal(model.fc.weight, own)
    assert torch.equal(model.conv1.weight, state["conv1.weight"])


def test_a_classifier_of_as_many_classes_is_taken(state: State, tmp_path: Path) -> None:
    """`replace_fc` leaves out only what is of another size."""
    model = built("resnet18", 10)
    load_weights(model, "resnet18", _save(state, tmp_path / "weights.pth"), replace_fc=True)
    assert torch.equal(model.fc.weight, state["fc.weight"])


def test_old_files_without_batch_counters_load(state: State, tmp_path: Path) -> None:
    old = {key: value for key, value in state.items() if "num_batches" not in key}
    assert len(old) < len(state)
    model = built("resnet18", 10)
    load_weights(model, "resnet18", _save(old, tmp_path / "weights.pth"))
    loaded = model.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in old.items())


def test_checkpoints_of_timms_training_script_load(state: State, tmp_path: Path) -> None:
    """`{"epoch", "arch", "state_dict"}`, the names with `module.` where the model was wrapped."""
    wrapped = {f"module.{key}": value for key, value in state.items()}
    path = tmp_path / "checkpoint.pth"
    torch.save({"epoch": 3, "arch": "resnet18", "version": 2, "state_dict": wrapped}, path)
    model = built("resnet18", 10)
    load_weights(model, "resnet18", path)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_timms_deep_stem_variants_are_told_apart(state: State, tmp_path: Path) -> None:
    """resnet18d: a stem of three convolutions, shortcuts that pool before they project."""
    other = {key.replace("downsample.1", "downsample.2"): value for key, value in state.items()}
    other = {key.replace("downsample.0", "downsample.1"): value for key, value in other.items()}
    del other["conv1.weight"]
    other["conv1.0.weight"] = torch.zeros(32, 3, 3, 3)
    with pytest.raises(
        ColonnadeError,
        match=r"mismatches with resnet18: .* more \(the file looks like a ResNet with a deep stem",
    ):
        load_weights(
            built("resnet18", 10), "resnet18", _save(other, tmp_path / "weights.safetensors")
        )


class _Payload:
    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return (Path.touch, (self.touched,))


def test_pickled_code_is_refused_and_not_run(tmp_path: Path) -> None:
    touched, path = tmp_path / "touched", tmp_path / "weights.pth"
    torch.save({"conv1.weight": _Payload(touched)}, path)
    with pytest.raises(ColonnadeError, match="refused"):
        load_weights(built("resnet18", 10), "resnet18", path)
    assert not touched.exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 7, 1000, -1])
def test_truncated_files_are_named(state: State, tmp_path: Path, suffix: str, kept: int) -> None:
    path = _save({"conv1.weight": state["conv1.weight"]}, tmp_path / f"weights{suffix}")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ColonnadeError, match=r"weights\."):
        load_weights(built("resnet18", 10), "resnet18", path)


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": {"a": 1}}, {"a": 1}])
def test_files_that_are_no_state_dict_are_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(ColonnadeError, match="expected a state dict"):
        load_weights(built("resnet18", 10), "resnet18", path)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_are_refused(state: State, tmp_path: Path) -> None:
    nested = torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])
    torch.save({**state, "fc.weight": nested}, tmp_path / "weights.pth")
    with pytest.raises(
        ColonnadeError, match=r"tensors only; refused: fc\.weight \(nested Tensor\)"
    ):
        load_weights(built("resnet18", 10), "resnet18", tmp_path / "weights.pth")


def test_missing_and_unknown_files_are_refused(tmp_path: Path) -> None:
    model = built("resnet18", 10)
    with pytest.raises(ColonnadeError, match="no such file"):
        load_weights(model, "resnet18", tmp_path / "weights.pth")
    with pytest.raises(ColonnadeError, match=r"allowed: \.pth, .*\.safetensors"):
        load_weights(model, "resnet18", tmp_path / "weights.onnx")


def _loads(state: State, path: Path, *, key: str | None = None) -> None:
    model = built("resnet18", 10)
    load_weights(model, "resnet18", path, key=key)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def prefixed(prefix: str, state: State) -> State:
    return {prefix + name: value for name, value in state.items()}


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".pth.tar", ".tar", ".bin", ".ckpt"])
@pytest.mark.parametrize("archive", [True, False])
def test_a_whole_checkpoint_of_timms_training_script_loads(
    state: State, tmp_path: Path, suffix: str, archive: bool
) -> None:
    """With the arguments that the script was called with, and the optimizer's state."""
    optimizer = torch.optim.SGD(built("resnet18", 10).parameters(), 0.1, momentum=0.9)
    arguments = argparse.Namespace(lr=0.1, model="resnet18", opt_betas=None, amp=False)
    content = {
        **{"epoch": 3, "arch": "resnet18", "version": 2, "metric": 71.5, "args": arguments},
        **{"state_dict": state, "optimizer": optimizer.state_dict()},
    }
    path = tmp_path / f"checkpoint{suffix}"
    torch.save(content, path, _use_new_zipfile_serialization=archive)
    _loads(state, path)


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.model."]
)
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model", "model_state_dict", "network"])
def test_wrappers_put_names_before_names(
    state: State, tmp_path: Path, prefix: str, wrapper: str | None
) -> None:
    names = prefixed(prefix, state)
    torch.save(names if wrapper is None else {wrapper: names, "epoch": 1}, tmp_path / "weights.pt")
    _loads(state, tmp_path / "weights.pt")


def test_averaged_models_load(state: State, tmp_path: Path) -> None:
    averaged = torch.optim.swa_utils.AveragedModel(built("resnet18", 10))
    averaged.module.load_state_dict(state)
    torch.save(averaged.state_dict(), tmp_path / "weights.pth")
    _loads(state, tmp_path / "weights.pth")


def test_an_average_beside_the_weights_is_told_and_can_be_named(
    state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "weights.pth.tar"
    average = {n: v / 2 if v.is_floating_point() else v for n, v in state.items()}
    torch.save({"state_dict": state, "state_dict_ema": average, "epoch": 1}, path)
    _loads(state, path)
    assert "took state_dict; it also holds state_dict_ema" in capsys.readouterr().err
    _loads(average, path, key="state_dict_ema")
    with pytest.raises(ColonnadeError, match="-key: 'ema'; allowed: state_dict, state_d"):
        load_weights(built("resnet18", 10), "resnet18", path, key="ema")


def test_several_state_dicts_need_a_choice(state: State, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"model": state, "network": state}, path)
    with pytest.raises(ColonnadeError, match="several state dicts, model, network; name one"):
        load_weights(built("resnet18", 10), "resnet18", path)
    _loads(state, path, key="model")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("bn1.running_var", lambda t: -t, "has variances below 0"),
        ("conv1.weight", lambda t: t.double() * 1e300, "beyond the range of torch.float32"),
        ("conv1.weight", lambda t: t.to(torch.int8), "is torch.int8; allowed: float16"),
        ("conv1.weight", lambda t: t > 0, "is torch.bool; allowed"),
        ("conv1.weight", lambda t: t.to(torch.complex64), "is torch.complex64; allowed"),
        ("conv1.weight", lambda t: t.to(torch.float8_e4m3fn), "is torch.float8_e4m3fn; allowed"),
        ("fc.weight", lambda t: t.to_sparse(), "is torch.float32, torch.sparse_coo; expected"),
        ("conv1.weight", lambda t: t.to("meta"), "has no values (a meta tensor)"),
        ("conv1.weight", lambda t: t.half() * 1e6, "has values that are not finite"),
        ("bn1.num_batches_tracked", lambda t: t.float(), "is torch.float32; expected whole"),
    ],
)
def test_tensors_of_other_kinds_are_refused_by_name(
    state: State, tmp_path: Path, name: str, change: Callable[[Tensor], Tensor], message: str
) -> None:
    path = tmp_path / "weights.pth"
    torch.save({**state, name: change(state[name])}, path)
    with pytest.raises(ColonnadeError) as caught:
        load_weights(built("resnet18", 10), "resnet18", path)
    assert str(caught.value).startswith(f"{path}: 1 mismatches with resnet18: {name}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_point_types_are_converted(
    state: State, tmp_path: Path, dtype: torch.dtype
) -> None:
    other = {n: v.to(dtype) if v.is_floating_point() else v for n, v in state.items()}
    torch.save(other, tmp_path / "weights.pth")
    model = built("resnet18", 10)
    load_weights(model, "resnet18", tmp_path / "weights.pth")
    assert model.conv1.weight.dtype == torch.float32
    assert torch.equal(model.conv1.weight, other["conv1.weight"].float())


def test_prefixed_names_beside_plain_ones_are_ambiguous(state: State, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({**state, "module.fc.bias": state["fc.bias"]}, path)
    with pytest.raises(ColonnadeError, match=r"1 names begin with 'module\.' and 122 do not"):
        load_weights(built("resnet18", 10), "resnet18", path)


def test_names_that_are_numbers_are_refused(state: State, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({**state, 3: state["fc.bias"]}, path)
    with pytest.raises(ColonnadeError, match="names that are no text: 3"):
        load_weights(built("resnet18", 10), "resnet18", path)


def test_a_classifier_of_another_width_is_not_replaced(state: State, tmp_path: Path) -> None:
    path = _save({**state, "fc.weight": torch.zeros(10, 2048)}, tmp_path / "weights.pth")
    with pytest.raises(ColonnadeError, match=r"fc\.weight: shape \(10, 2048\), expected"):
        load_weights(built("resnet18", 10), "resnet18", path, replace_fc=True)


class _Settings:
    """What a training script keeps beside the weights; restoring it would run code of its own."""

    def __getstate__(self) -> dict[str, int]:
        return {"seed": 1}

    def __setstate__(self, _state: object) -> None:
        raise AssertionError("restored")


def test_objects_of_unknown_classes_are_not_restored(state: State, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": state, "settings": _Settings(), "history": [_Settings()]}, path)
    _loads(state, path)
    torch.save({**state, "settings": _Settings()}, path)
    with pytest.raises(ColonnadeError, match=r"tensors only; refused: settings \(.*\._Settings\)"):
        load_weights(built("resnet18", 10), "resnet18", path)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"features.0.0.weight": 3, "features.18.0.weight": 4}, "looks like MobileNet-V2"),
        ({"backbone.conv1.weight": 64}, "looks like a detector or a segmentation"),
        ({"classifier.6.weight": 1000}, "looks like a VGG or an AlexNet"),
    ],
)
def test_a_message_says_what_the_file_looks_like(
    tmp_path: Path, shapes: dict[str, int], message: str
) -> None:
    path = tmp_path / "weights.pth"
    torch.save({name: torch.zeros(size) for name, size in shapes.items()}, path)
    with pytest.raises(ColonnadeError, match=message) as caught:
        load_weights(built("resnet18", 10), "resnet18", path)
    assert " more" in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", ["resnet34", "resnet50"])
def test_a_resnet_of_another_depth_is_recognised(tmp_path: Path, name: str) -> None:
    torch.save(build(name, 10).state_dict(), tmp_path / "weights.pth")
    with pytest.raises(ColonnadeError, match=f"looks like {name}: set model.name: {name}"):
        load_weights(built("resnet18", 10), "resnet18", tmp_path / "weights.pth")


def test_torchvisions_old_names_of_densenets_load(tmp_path: Path) -> None:
    state = build("densenet121", 10).state_dict()
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }
    assert "features.denseblock2.denselayer12.norm.2.running_var" in old
    model = build("densenet121", 10)
    load_weights(model, "densenet121", _save(old, tmp_path / "densenet121.pth"))
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_a_file_of_another_network_says_which(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(build("mobilenet_v2", 10).state_dict(), path)
    with pytest.raises(ColonnadeError, match=r"looks like mobilenet_v2: set model\.name"):
        load_weights(built("resnet18", 10), "resnet18", path)
