# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A package as a function of arrays: what the library is given, what comes back, and what is refused."""

import copy
import gc
import os
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import colonnade
from colonnade.common.errors import ColonnadeError

from .stand_in import StandIn

RNG = np.random.default_rng(7)


def image(n: int = 2, c: int = 3, h: int = 5, w: int = 4) -> Any:
    return RNG.standard_normal((n, c, h, w), dtype=np.float32)


def features(n: int = 2) -> Any:
    return RNG.standard_normal((n, 2), dtype=np.float32)


def check(made: Any, first: Any, second: Any) -> None:
    sums, twice = made
    wanted = np.stack([first.sum(axis=(1, 2, 3)), second.sum(axis=1)], axis=1)
    np.testing.assert_allclose(sums, wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(twice, 2 * first)


def test_options_reach_the_library(stand_in: StandIn, tmp_path: Path) -> None:
    colonnade.load("out/package")
    folder = tmp_path / "größer"
    colonnade.load(folder, dtype="f16", threads=256, schedules=tmp_path / "tuned.json")
    assert stand_in.created == [
        {"package": b"out/package", "size": 32, "dtype": b"f32", "schedules": None, "threads": 1},
        {
            **{"package": str(folder).encode(), "size": 32, "dtype": b"f16"},
            **{"schedules": str(tmp_path / "tuned.json").encode(), "threads": 256},
        },
    ]


@pytest.mark.parametrize("threads", [0, -1, 257, 2**32 + 1])
def test_numbers_of_threads_that_c_would_fold_are_refused(stand_in: StandIn, threads: int) -> None:
    with pytest.raises(ColonnadeError) as told:
        colonnade.load("package", threads=threads)
    assert str(told.value) == f"threads: {threads}; allowed: 1 to 256"
    assert stand_in.created == []


@pytest.mark.parametrize("threads", [1.5, "2", None])
def test_what_is_no_number_of_threads_is_refused(stand_in: StandIn, threads: Any) -> None:
    with pytest.raises(ColonnadeError, match=r"threads: .*; allowed: 1 to 256$"):
        colonnade.load("package", threads=threads)
    assert stand_in.created == []


@pytest.mark.parametrize("package", [None, 5, "package\0x", "", b""])
def test_what_is_no_path_is_refused(stand_in: StandIn, package: Any) -> None:
    with pytest.raises(ColonnadeError, match=r"package: .*; allowed: (a path|no NUL in it)$"):
        colonnade.load(package)
    assert stand_in.created == []


def test_a_fork_is_told_to_load_anew_where_threads_would_be_waited_for(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, team = colonnade.load("package"), colonnade.load("package", threads=2)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    first, second = image(), features()
    check(alone(first, second), first, second)
    with pytest.raises(ColonnadeError, match="another process loaded it, with 2 threads"):
        team(first, second)
    # Nor are they waited for at the end.
    team.close()
    assert stand_in.destroyed == []


def test_what_the_library_refuses_is_told_and_leaves_nothing_to_destroy(stand_in: StandIn) -> None:
    with pytest.raises(ColonnadeError) as told:
        colonnade.load("package", dtype="f64")
    assert str(told.value) == "dtype: 'f64'; allowed: f32, f16"
    gc.collect()
    assert stand_in.destroyed == []


def test_a_folder_that_has_a_package_says_so(stand_in: StandIn, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/graph.json").touch()
    with pytest.raises(ColonnadeError) as told:
        colonnade.load(tmp_path)
    assert str(told.value) == f"{tmp_path}: is no package; the package is {tmp_path}/package"
    # One that is a package itself may have such a folder.
    (tmp_path / "graph.json").touch()
    colonnade.load(tmp_path)
    assert len(stand_in.created) == 1


def test_inputs_and_outputs_have_names_in_order(stand_in: StandIn) -> None:
    net = colonnade.load("package")
    assert list(net.inputs.items()) == [("image", 3), ("features", 2)]
    assert net.outputs == ("sums", "twice")
    assert len(stand_in.created) == 1


@pytest.mark.parametrize("n", [1, 3])
def test_arrays_of_any_batch_go_in_and_come_out(stand_in: StandIn, n: int) -> None:
    net, first, second = colonnade.load("package"), image(n, h=n + 1), features(n)
    made = net(first, second)
    assert isinstance(made, tuple)
    assert [each.shape for each in made] == [(n, 2), (n, 3, n + 1, 4)]
    assert all(each.dtype == np.float32 for each in made)
    check(made, first, second)
    # Features are maps of one pixel.
    assert stand_in.reshaped == [[n, 3, n + 1, 4, n, 2, 1, 1]]


def test_contiguous_float32_is_read_where_it_lies(stand_in: StandIn) -> None:
    net, first, second = colonnade.load("package"), image(), features()
    net(first, second)
    assert stand_in.read == [[first.ctypes.data, second.ctypes.data]]
    turned = np.ascontiguousarray(first.transpose(0, 1, 3, 2)).transpose(0, 1, 3, 2)
    check(net(turned, second.astype(np.float64)), first, second)
    assert stand_in.read[1][0] != turned.ctypes.data


def test_inputs_go_by_name_in_any_order(stand_in: StandIn) -> None:
    net, first, second = colonnade.load("package"), image(), features()
    check(net(features=second, image=first), first, second)
    check(net(first, features=second), first, second)
    assert stand_in.reshaped[0] == stand_in.reshaped[1] == [2, 3, 5, 4, 2, 2, 1, 1]


def test_outputs_are_of_the_library_of_the_first_input(stand_in: StandIn) -> None:
    net, first, second = colonnade.load("package"), image(), features()
    made = net(torch.from_numpy(first), second)
    assert all(isinstance(each, torch.Tensor) for each in made)
    check([each.numpy() for each in made], first, second)
    assert all(isinstance(each, np.ndarray) for each in net(first, torch.from_numpy(second)))
    # Of two inputs by name, the network's first.
    named = net(features=second, image=torch.from_numpy(first))
    assert isinstance(named[0], torch.Tensor)
    assert len(stand_in.read) == 3


def test_a_single_output_comes_by_itself(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.unit.runtime.stand_in.OUTPUTS", ("twice",))

    def twice(_: int, inputs: Any, outputs: Any) -> int:
        outputs[0][0] = 2 * inputs[0][0]
        return 0

    kind = type(stand_in.colonnade_run)  # type: ignore[attr-defined]
    monkeypatch.setattr(stand_in, "colonnade_run", kind(twice))
    first = image(1, 3, 1, 1)
    made = colonnade.load("package")(first, features(1))
    assert isinstance(made, np.ndarray) and made.shape == (1, 3, 1, 1)
    assert made[0, 0] == 2 * first[0, 0]


@pytest.mark.parametrize(
    ("arguments", "named", "words"),
    [
        ((), {}, "inputs: 0 by position; allowed: image, features, each once"),
        ((image(),), {}, "inputs: 1 by position; allowed: image, features, each once"),
        ((image(), features(), features()), {}, "inputs: 3 by position; allowed: image, features"),
        ((image(),), {"image": image()}, "inputs: 1 by position, image; allowed: "),
        ((image(), features()), {"features": features()}, "inputs: 2 by position, features; "),
        ((image(),), {"other": features()}, "inputs: 1 by position, other; allowed: "),
        ((image(), features()), {"other": features()}, "inputs: 2 by position, other; allowed: "),
        (
            (image()[0], features()),
            {},
            r"input 'image' is \[3, 5, 4\]; allowed: \[images, 3, height, width\]",
        ),
        (
            (image(), features()[0]),
            {},
            r"input 'features' is \[2\]; allowed: \[images, 2, height, width\]",
        ),
        ((image().astype(np.uint8), features()), {}, "input 'image': elements of uint8"),
        ((image(), "text"), {}, "input 'features': str; allowed: "),
    ],
)
def test_what_a_network_does_not_take_is_refused_before_anything_runs(
    stand_in: StandIn, arguments: tuple[Any, ...], named: dict[str, Any], words: str
) -> None:
    net = colonnade.load("out/package")
    with pytest.raises(ColonnadeError, match=f"^out/package: {words}"):
        net(*arguments, **named)
    assert stand_in.reshaped == stand_in.read == []


def test_shapes_that_the_library_refuses_are_told_and_the_net_goes_on(stand_in: StandIn) -> None:
    net, second = colonnade.load("package"), features()
    with pytest.raises(ColonnadeError) as told:
        net(image(c=4), second)
    assert str(told.value) == "input 'image' has 4 channels"
    assert stand_in.read == []
    first = image()
    check(net(first, second), first, second)


def test_a_closed_net_says_so_and_is_given_back_once(stand_in: StandIn) -> None:
    with colonnade.load("out/package") as net:
        net(image(), features())
        assert stand_in.destroyed == []
    assert stand_in.destroyed == [4097]
    net.close()
    del net
    gc.collect()
    assert stand_in.destroyed == [4097]


def test_a_call_of_a_closed_net_is_refused(stand_in: StandIn) -> None:
    net = colonnade.load("out/package")
    net.close()
    with pytest.raises(ColonnadeError) as told:
        net(image(), features())
    assert str(told.value) == "out/package: the net is closed; `load` opens it again"
    assert stand_in.reshaped == []


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_net_is_not_copied(stand_in: StandIn, copied: Callable[[Any], Any]) -> None:
    """Two of them would give one network back twice."""
    name: Any = b"out/package"
    net = colonnade.load(name)
    with pytest.raises(ColonnadeError, match=r"^out/package: a net cannot be copied; `load` makes"):
        copied(net)
    first, second = image(), features()
    check(net(first, second), first, second)
    assert len(stand_in.created) == 1


def test_a_block_that_fails_closes_its_net(stand_in: StandIn) -> None:
    with pytest.raises(ZeroDivisionError), colonnade.load("package"):
        raise ZeroDivisionError
    assert stand_in.destroyed == [4097]


def test_a_net_that_nobody_has_any_more_is_given_back(stand_in: StandIn) -> None:
    nets = [colonnade.load("package"), colonnade.load("package")]
    del nets[0]
    gc.collect()
    assert stand_in.destroyed == [4097]
    nets.clear()
    gc.collect()
    assert stand_in.destroyed == [4097, 4098]


def test_calls_of_several_threads_take_turns(stand_in: StandIn) -> None:
    """Their batches differ: a call that came between `reshape` and `run` would be wrong."""
    net = colonnade.load("package")
    cases = [
        (image(1 + index % 3, h=1 + index % 4), features(1 + index % 3)) for index in range(24)
    ]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda case: net(*case), cases))
    for result, case in zip(made, cases, strict=True):
        check(result, *case)
    assert len(stand_in.read) == 24


def test_close_waits_for_the_call_that_runs(stand_in: StandIn) -> None:
    net, first, second = colonnade.load("package"), image(), features()
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert go_on.wait(30)

    stand_in.during_run = wait
    with ThreadPoolExecutor(2) as pool:
        call = pool.submit(net, first, second)
        assert inside.wait(30)
        closing = pool.submit(net.close)
        with pytest.raises(TimeoutError):
            closing.result(0.05)
        assert stand_in.destroyed == []
        go_on.set()
        check(call.result(30), first, second)
        closing.result(30)
    assert stand_in.destroyed == [4097]
