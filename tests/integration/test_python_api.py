# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Packages run in this process, and in programs by the C interface, against PyTorch."""

import ctypes
import gc
import json
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import colonnade
from colonnade.common.paths import PACKAGE
from colonnade.config.pruning import Pattern
from colonnade.container import Container
from colonnade.package.optimize import optimize
from colonnade.runtime.library import FLOATS, Options, library
from colonnade.targets.emulator import emulator
from colonnade.training.checkpoint import read_checkpoint
from tests.unit.package.test_optimize import write_small

from . import schedules

PIXELS = 33
VECTOR_LENGTHS = (128, 256, 512, 1024)


@pytest.fixture(scope="module")
def small(scratch: Path, host_programs: Path) -> Path:
    """A pruned network, as `colonnade optimize` makes it."""
    source = write_small(scratch / "small.pt2", PIXELS, seed=8)
    optimize(source, scratch / "small", Pattern(m="full", sparsity=0.5), 4)
    return scratch / "small"


@pytest.fixture(scope="module")
def package(small: Path) -> Path:
    return small / PACKAGE


@pytest.fixture(scope="module")
def module(small: Path) -> nn.Module:
    """What PyTorch computes of the same network."""
    return read_checkpoint(small / "pruned.safetensors").model()


def expected(module: nn.Module, image: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return module(image).numpy()


def test_a_package_is_a_function_of_arrays_of_any_batch(package: Path, module: nn.Module) -> None:
    net = colonnade.load(package)
    assert net.outputs == tuple(json.loads((package / "graph.json").read_text())["outputs"])
    assert list(net.inputs.values()) == [3]
    for seed, shape in enumerate([(1, PIXELS, PIXELS), (3, PIXELS, PIXELS), (2, 40, 24)]):
        n, h, w = shape
        image = torch.randn(n, 3, h, w, generator=torch.Generator().manual_seed(seed))
        result = net(image.numpy())
        assert isinstance(result, np.ndarray) and result.dtype == np.float32
        np.testing.assert_allclose(result, expected(module, image), rtol=1e-4, atol=1e-5)
        tensor = net(image)
        assert isinstance(tensor, torch.Tensor)
        np.testing.assert_array_equal(tensor.numpy(), result)
        named = net(**{next(iter(net.inputs)): image.numpy().astype(np.float64)})
        np.testing.assert_array_equal(named, result)


def test_half_precision_and_schedules_are_taken(
    package: Path, module: nn.Module, tmp_path: Path
) -> None:
    image = torch.randn(2, 3, PIXELS, PIXELS, generator=torch.Generator().manual_seed(9))
    good = expected(module, image)
    half = colonnade.load(package, dtype="f16")(image.numpy())
    assert 0 < np.abs(half - good).max() <= 2e-2 * np.abs(good).max()
    tuned = schedules.write(tmp_path / "schedules.json", schedules.cover(package, schedules.PACKED))
    result = colonnade.load(package, schedules=tuned, threads=2)(image.numpy())
    np.testing.assert_allclose(result, good, rtol=1e-4, atol=1e-5)
    empty = schedules.write(tmp_path / "empty.json", {})
    with pytest.raises(colonnade.ColonnadeError, match=r"empty\.json.*node 'stem.0'"):
        colonnade.load(package, schedules=empty)(image)


def test_threads_share_a_net_and_have_nets_of_their_own(package: Path, module: nn.Module) -> None:
    """Threads whose batches differ, so that each one reshapes what the others use."""
    shared = colonnade.load(package, threads=2)
    cases = [torch.randn(1 + i % 3, 3, PIXELS, PIXELS) for i in range(24)]
    wanted = [expected(module, each) for each in cases]
    own = threading.local()

    def run(index: int) -> None:
        if not hasattr(own, "net"):
            own.net = colonnade.load(package)
        for net in (shared, own.net):
            result = net(cases[index].numpy())
            np.testing.assert_allclose(result, wanted[index], rtol=1e-4, atol=1e-5)

    with ThreadPoolExecutor(6) as pool:
        assert len([*pool.map(run, range(len(cases)))]) == 24


@pytest.fixture
def patient_interpreter() -> Iterator[None]:
    """Threads of Python change only where one of them lets go of the interpreter's lock."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("patient_interpreter")
def test_other_threads_of_python_run_during_a_call(package: Path) -> None:
    net = colonnade.load(package)
    image = np.zeros((64, 3, PIXELS, PIXELS), np.float32)
    counted, ended = 0, False

    def count() -> None:
        nonlocal counted
        while not ended:
            counted += 1
            time.sleep(0)

    other = threading.Thread(target=count)
    other.start()
    advanced = False
    for _ in range(200):
        before = counted
        net(image)
        advanced = advanced or counted > before
    ended = True
    other.join()
    assert advanced


def test_a_closed_net_is_told_and_gives_its_memory_back(package: Path) -> None:
    image = np.zeros((64, 3, 64, 64), np.float32)

    def used() -> int:
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    with colonnade.load(package) as net:
        net(image)
    before = used()
    for _ in range(20):
        with colonnade.load(package) as net:
            net(image)
        colonnade.load(package)(image)
    # Each of the forty takes five times as much as its images.
    assert used() - before < 20 * image.nbytes
    net.close()
    with pytest.raises(colonnade.ColonnadeError, match="package: the net is closed"):
        net(image)


def _wrong(channels: int = 3, *shape: int) -> np.ndarray:
    return np.zeros((1, channels, *(shape or (PIXELS, PIXELS))), np.float32)


@pytest.mark.parametrize(
    ("arguments", "named", "words"),
    [
        ((), {}, "inputs: 0 by position; allowed: "),
        ((_wrong(), _wrong()), {}, "inputs: 2 by position; allowed: "),
        ((_wrong(),), {"other": _wrong()}, "inputs: 1 by position, other; allowed: "),
        ((_wrong(4),), {}, r"is \[1, 4, 33, 33\]; allowed: \[images, 3, height, width\]"),
        ((_wrong(3, 7),), {}, r"is \[1, 3, 7\]; allowed: \[images, 3, height, width\]"),
        ((_wrong(3, 0, 9),), {}, r"is \[1, 3, 0, 9\]; allowed"),
        ((_wrong(3, 70000, 9),), {}, r"node|allowed"),
        ((_wrong().astype(np.uint8),), {}, "elements of uint8"),
    ],
)
def test_wrong_inputs_are_refused_by_name_and_the_net_goes_on(
    package: Path, arguments: tuple[Any, ...], named: dict[str, Any], words: str
) -> None:
    net = colonnade.load(package)
    good = net(_wrong())
    with pytest.raises(colonnade.ColonnadeError, match=words) as told:
        net(*arguments, **named)
    assert "\n" not in str(told.value)
    np.testing.assert_array_equal(net(_wrong()), good)


def test_wrong_packages_and_options_are_refused_by_name(package: Path, tmp_path: Path) -> None:
    with pytest.raises(colonnade.ColonnadeError, match=r"none/graph\.json: cannot be read"):
        colonnade.load(tmp_path / "none")
    graph = json.loads((package / "graph.json").read_text())
    graph["nodes"][1]["op"] = "fold"
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    name = graph["nodes"][1]["name"]
    with pytest.raises(colonnade.ColonnadeError, match=f"node '{name}': op: 'fold'; allowed: "):
        colonnade.load(tmp_path)
    (tmp_path / "graph.json").write_bytes((package / "graph.json").read_bytes())
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(colonnade.ColonnadeError, match=r"weights\.safetensors"):
        colonnade.load(tmp_path)
    for options, words in (
        ({"dtype": "f64"}, "dtype: 'f64'; allowed: f32, f16"),
        ({"threads": 0}, "threads: 0; allowed: 1 to 256"),
        ({"threads": -1}, "threads: -1; allowed: 1 to 256"),
        ({"schedules": tmp_path / "no.json"}, r"no\.json: cannot be read"),
    ):
        with pytest.raises(colonnade.ColonnadeError, match=words):
            colonnade.load(package, **options)


def test_the_c_interface_answers_misuse(package: Path) -> None:
    call, net = library(), ctypes.c_void_p()
    refusals = 0

    def refused(words: str, name: str, *arguments: Any) -> None:
        nonlocal refusals
        with pytest.raises(colonnade.ColonnadeError, match=words):
            call(name, *arguments)
        refusals += 1

    options = Options(ctypes.sizeof(Options) - 8)
    folder = str(package).encode()
    refused("package: NULL", "create", None, None, ctypes.byref(net))
    refused("net: NULL", "create", folder, None, None)
    refused(
        "options: size 24; allowed: 32", "create", folder, ctypes.byref(options), ctypes.byref(net)
    )
    refused("net: NULL", "run", None, None, None)
    refused("net: NULL", "reshape", None, None)
    call("create", folder, None, ctypes.byref(net))
    arrays = (FLOATS * 1)()
    refused("inputs: NULL", "run", net, None, arrays)
    refused("net: has no shape; colonnade_reshape gives it one", "run", net, arrays, arrays)
    refused("shapes: NULL", "reshape", net, None)
    sizes, rank = (ctypes.c_size_t * 4)(1, 3, 9, 9), ctypes.c_size_t()
    refused("output: 1; allowed: less than 1", "output_shape", net, 1, sizes, ctypes.byref(rank))
    call("reshape", net, sizes)
    refused("inputs: NULL", "run", net, arrays, arrays)
    # Arrays of a caller who goes on with another shape would be too small for the old one, or too large.
    wrong = (ctypes.c_size_t * 4)(1, 4, 9, 9)
    refused(r"is \[1, 4, 9, 9\]; allowed: \[images, 3, height, width\]", "reshape", net, wrong)
    refused("net: has no shape; colonnade_reshape gives it one", "run", net, arrays, arrays)
    assert call("input_name", net, 1) is None and call("input_channels", net, 1) == 0
    assert call("output_name", net, 7) is None
    call("destroy", net)
    call("destroy", None)
    assert refusals == 12


def _images(images: int, pixels: int) -> torch.Tensor:
    """Those that kernels/api/example.c draws."""
    state, values = 1, []
    for _ in range(images * 3 * pixels * pixels):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append((state >> 8) / 2**24 - 0.5)
    return torch.tensor(values).reshape(images, 3, pixels, pixels)


def _check_printed(printed: str, module: nn.Module) -> None:
    values = np.array([float(line) for line in printed.splitlines()], np.float32)
    wanted = [expected(module, _images(images, PIXELS)).ravel() for images in (1, 3)]
    np.testing.assert_allclose(values, np.concatenate(wanted), rtol=1e-4, atol=1e-5)


def test_a_c_program_runs_a_package_by_the_shared_library(
    toolchain: Container,
    host_programs: Path,
    package: Path,
    module: nn.Module,
    scratch: Path,
    root: Path,
) -> None:
    """As a user compiles it: with the header and the library alone."""
    folder, program = host_programs.relative_to(root), str(scratch.relative_to(root) / "example")
    toolchain.run(
        [
            *("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Ikernels/api"),
            *(
                "kernels/api/example.c",
                f"-L{folder}",
                "-lcolonnade",
                "-Wl,-rpath,$ORIGIN/../build/host",
            ),
            *("-o", program),
        ]
    )
    arguments = [str(package.relative_to(root)), str(PIXELS)]
    _check_printed(toolchain.run([program, *arguments]).stdout, module)
    with pytest.raises(colonnade.ColonnadeError, match=r"colonnade 0\.1\.0: none/graph\.json"):
        toolchain.run([program, "none", "9"])


@pytest.mark.parametrize("vlen", VECTOR_LENGTHS)
def test_a_c_program_runs_a_package_on_emulated_riscv(
    toolchain: Container,
    riscv64_programs: Path,
    package: Path,
    module: nn.Module,
    root: Path,
    vlen: int,
) -> None:
    program = str(riscv64_programs.relative_to(root) / "colonnade-example")
    arguments = [str(package.relative_to(root)), str(PIXELS)]
    _check_printed(toolchain.run([*emulator(vlen), program, *arguments]).stdout, module)
