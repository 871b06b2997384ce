# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where training runs: what is configured is found or refused, and processes share what they must."""

import os
import socket
from typing import Any

import pytest
import torch
from torch import distributed, nn

from colonnade.common.errors import ColonnadeError
from colonnade.config.training import TrainingConfig
from colonnade.training import hardware
from colonnade.training.hardware import Hardware, open_hardware, require_device


@pytest.fixture
def configured(tiny_training: TrainingConfig, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A configuration with other values, on a machine without a GPU, not started by torchrun."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    return lambda **values: TrainingConfig.model_validate(tiny_training.model_dump() | values)


def test_a_gpu_that_is_missing_is_refused(configured: Any) -> None:
    require_device(configured(device="auto"))
    with (
        pytest.raises(ColonnadeError, match=r"training\.device: cuda: no GPU.*: auto, cpu"),
        open_hardware(configured(device="cuda")),
    ):
        raise AssertionError


@pytest.mark.parametrize(
    ("world_size", "words"),
    [
        (None, r"training\.processes: 2: start the command by torchrun"),
        ("3", r"training\.processes: 2, but torchrun started 3"),
    ],
)
def test_another_number_of_processes_is_refused(
    configured: Any, monkeypatch: pytest.MonkeyPatch, world_size: str | None, words: str
) -> None:
    if world_size is not None:
        monkeypatch.setenv("WORLD_SIZE", world_size)
    with (
        pytest.raises(ColonnadeError, match=words),
        open_hardware(configured(device="cpu", processes=2)),
    ):
        raise AssertionError
    assert not distributed.is_initialized()


@pytest.mark.parametrize("known", ["avx512_bf16", "amx_bf16", None])
def test_mixed_precision_is_taken_where_the_cpu_multiplies_so(
    configured: Any, monkeypatch: pytest.MonkeyPatch, known: str | None
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {known: True})
    found = {}
    for precision in ("auto", "bfloat16", "float32"):
        with open_hardware(configured(device="auto", precision=precision)) as here:
            found[precision] = here.mixed
            assert (here.device.type, here.rank, here.world_size) == ("cpu", 0, 1)
    assert found == {"auto": known is not None, "bfloat16": True, "float32": False}


@pytest.mark.parametrize("multiplies", [False, True])
def test_a_gpu_is_taken_by_the_number_of_the_process(
    configured: Any, monkeypatch: pytest.MonkeyPatch, multiplies: bool
) -> None:
    chosen: list[torch.device] = []
    asked: list[bool] = []

    def supported(*, including_emulation: bool) -> bool:
        asked.append(including_emulation)
        return multiplies

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "kept")
    with open_hardware(configured(device="auto", precision="auto")) as here:
        assert (here.device, here.mixed) == (torch.device("cuda", 1), multiplies)
        assert here.memory_format == torch.channels_last
    assert chosen == [torch.device("cuda", 1)]
    assert asked == [False]
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    with open_hardware(configured(device="cuda", precision="float32")):
        # Without it cuBLAS is not deterministic.
        assert os.environ.pop("CUBLAS_WORKSPACE_CONFIG") == ":4096:8"


def test_mixed_precision_multiplies_in_bfloat16_and_in_full_does_not() -> None:
    mixed, x = Hardware(mixed=True), torch.ones(2, 2)
    for here, dtype in ((mixed, torch.bfloat16), (mixed.in_full(), torch.float32)):
        with here.precision():
            assert (x @ x).dtype == dtype
    images = torch.zeros(1, 3, 4, 4)
    assert mixed.images(images).is_contiguous(memory_format=torch.channels_last)
    assert mixed.in_full().images(images).is_contiguous()
    net = nn.Conv2d(3, 4, 3)
    mixed.place(net)
    assert net.weight.is_contiguous(memory_format=torch.channels_last)


def test_one_process_shares_with_nobody() -> None:
    net, here = nn.Linear(2, 2), Hardware()
    assert here.shared(net) is net
    assert here.is_first
    assert here.from_first("a") == "a"
    assert here.gathered("a") == ["a"]
    assert not Hardware(rank=1, world_size=2).is_first


def test_processes_share_values_while_the_hardware_is_open(
    configured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process's part is played by gloo's answers, since a group of one has no other."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begin = distributed.init_process_group
    place = f"tcp://127.0.0.1:{port}"
    monkeypatch.setattr(
        distributed,
        "init_process_group",
        lambda backend: begin(backend, init_method=place, rank=0, world_size=1),
    )
    monkeypatch.setenv("WORLD_SIZE", "2")

    def gather(values: list[Any], own: Any) -> None:
        values[:] = [own, f"not {own}"]

    monkeypatch.setattr(distributed, "all_gather_object", gather)
    with open_hardware(configured(device="cpu", processes=2, precision="float32")) as here:
        assert distributed.get_backend() == "gloo"
        assert (here.rank, here.world_size) == (0, 2)
        net = here.shared(nn.Linear(2, 2))
        assert isinstance(net, hardware.DistributedDataParallel)
        assert here.from_first(["value"]) == ["value"]
        assert here.gathered("a") == ["a", "not a"]
    assert not distributed.is_initialized()
