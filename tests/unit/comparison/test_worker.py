# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The program that runs other engines: its protocol, and how each engine is set up.

ONNX Runtime and PyTorch are true ones. In the place of those that are not installed are stand-ins, which
take down how they are used.
"""

import io
import json
import os
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from colonnade.comparison import worker
from colonnade.comparison.process import Process
from colonnade.package.to_onnx import to_onnx

from .small import small_network

IMAGE = np.random.default_rng(2).standard_normal((2, 3, 16, 16), dtype=np.float32)


def wanted(image: Any = IMAGE) -> Any:
    with torch.no_grad():
        return small_network()(torch.from_numpy(image)).numpy()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The network as ONNX, and the input."""
    (tmp_path / "model.onnx").write_bytes(to_onnx(small_network(), "small"))
    np.save(tmp_path / "input.npy", IMAGE)
    return tmp_path


@pytest.fixture
def program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The network as what `torch.export.load` makes of model.pt2; torch's settings come back."""
    threads = torch.get_num_threads()
    loaded = {folder / "model.pt2": SimpleNamespace(module=small_network)}
    monkeypatch.setattr(torch, "export", SimpleNamespace(load=loaded.__getitem__))
    yield folder
    torch.set_num_threads(threads)
    torch.set_grad_enabled(mode=True)


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **values: Any) -> SimpleNamespace:
    """A module of that name."""
    module = SimpleNamespace(**values)
    monkeypatch.setitem(sys.modules, name, module)
    return module


def test_onnx_runtime_runs_the_network_with_fixed_sizes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime  # type: ignore[import-untyped]

    sessions: list[Any] = []

    def session(*arguments: Any, **keywords: Any) -> Any:
        opened = made(*arguments, **keywords)
        sessions.append((arguments, keywords, opened))
        return opened

    made = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    run = worker.onnxruntime(folder, IMAGE, 2)
    np.testing.assert_allclose(run(), wanted(), rtol=1e-5, atol=1e-6)
    (plain, (arguments, keywords, fixed)) = sessions
    options = arguments[1]
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (2, 1)
    assert keywords == {"providers": ["CPUExecutionProvider"]}
    # The file leaves sizes open.
    assert plain[2].get_inputs()[0].shape == ["N", 3, "image_height", "image_width"]
    assert fixed.get_inputs()[0].shape == [2, 3, 16, 16]


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_pytorch_is_frozen_and_in_channels_last(program: Path) -> None:
    run = worker.pytorch(program, IMAGE, 2)
    made = run()
    assert isinstance(made, np.ndarray)
    np.testing.assert_allclose(made, wanted(), rtol=1e-5, atol=1e-6)
    assert torch.get_num_threads() == 2
    assert not torch.is_grad_enabled()
    frozen = next(
        cell.cell_contents
        for cell in run.__closure__ or ()
        if isinstance(cell.cell_contents, torch.jit.ScriptModule)
    )
    assert not list(frozen.parameters())


def test_pytorch_is_compiled_and_frozen(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = stand_in(monkeypatch, "torch._inductor.config", freezing=False)
    compiled, given = [], []

    def compile_it(module: Any) -> Any:
        assert settings.freezing
        compiled.append(module)

        def call(tensor: torch.Tensor) -> Any:
            given.append(tensor)
            return module(tensor)

        return call

    monkeypatch.setattr(torch, "compile", compile_it)
    run = worker.pytorch_compile(program, IMAGE, 3)
    for _ in range(2):
        np.testing.assert_allclose(run(), wanted(), rtol=1e-5, atol=1e-6)
    assert torch.get_num_threads() == 3
    assert len(compiled) == 1 and len(given) == 2
    assert given[0].is_contiguous(memory_format=torch.channels_last)
    (weight,) = (each for each in compiled[0].parameters() if each.dim() == 4)
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_openvino_computes_in_f32_for_latency(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: dict[str, Any] = {}
    request = SimpleNamespace(
        set_input_tensor=lambda tensor: used.update(input=tensor),
        infer=lambda: used.update(output=wanted(used["input"])),
        get_output_tensor=lambda: SimpleNamespace(data=used["output"]),
    )

    class Core:
        """Reads and compiles."""

        def read_model(self, path: Path) -> Any:
            used.update(path=path)
            return SimpleNamespace(reshape=lambda shape: used.update(shape=shape))

        def compile_model(self, _: Any, device: str, settings: Any) -> Any:
            used.update(device=device, settings=settings)
            return SimpleNamespace(create_infer_request=lambda: request)

    def tensor(image: Any, *, shared_memory: bool) -> Any:
        return image if shared_memory else image.copy()

    stand_in(monkeypatch, "openvino", Core=Core, Tensor=tensor)
    run = worker.openvino(folder, IMAGE, 2)
    assert used["path"] == folder / "model.onnx"
    assert used["shape"] == [2, 3, 16, 16]
    assert used["input"] is IMAGE
    assert used["device"] == "CPU"
    assert used["settings"] == {
        **{"INFERENCE_NUM_THREADS": 2, "NUM_STREAMS": 1},
        **{"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"},
    }
    assert "output" not in used
    np.testing.assert_array_equal(run(), wanted())


def test_executorch_is_delegated_to_xnnpack(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: dict[str, Any] = {}

    def lower(exported: Any, *, partitioner: list[Any]) -> Any:
        used.update(exported=exported, partitioner=partitioner)
        return SimpleNamespace(to_executorch=lambda: SimpleNamespace(buffer=b"a program"))

    def load_program(buffer: bytes) -> Any:
        used.update(buffer=buffer)
        return SimpleNamespace(forward=lambda tensors: [exported_module(*tensors)])

    def exported_module(tensor: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(wanted(tensor.numpy()))

    stand_in(
        monkeypatch,
        "executorch.backends.xnnpack.partition.xnnpack_partitioner",
        XnnpackPartitioner=lambda: "xnnpack",
    )
    stand_in(monkeypatch, "executorch.exir", to_edge_transform_and_lower=lower)
    stand_in(
        monkeypatch,
        "executorch.extension.pybindings.portable_lib",
        _unsafe_reset_threadpool=lambda threads: used.update(threads=threads),
        _load_for_executorch_from_buffer=load_program,
    )
    run = worker.executorch_xnnpack(program, IMAGE, 4)
    assert used["exported"].module is small_network
    assert (used["partitioner"], used["threads"]) == (["xnnpack"], 4)
    assert used["buffer"] == b"a program"
    np.testing.assert_array_equal(run(), wanted())


class Extractor:
    """Of ncnn: computes one image."""

    def input(self, name: str, image: Any) -> None:
        assert name == "in0"
        assert image.shape == (3, 16, 16)
        self.image = image

    def extract(self, name: str) -> tuple[int, Any]:
        assert name == "out0"
        return 0, wanted(self.image[np.newaxis])[0]


class Net:
    """Of ncnn: reads its files while they are there."""

    made: "list[Net]" = []  # noqa: RUF012

    def __init__(self) -> None:
        self.opt = SimpleNamespace(**dict.fromkeys(("fp16", "bf16"), True))
        self.read: list[str] = []
        self.made.append(self)

    def load_param(self, path: str) -> None:
        self.read.append(Path(path).read_text())

    load_model = load_param

    def create_extractor(self) -> Extractor:
        return Extractor()


def test_ncnn_runs_image_after_image_in_f32(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converter = tmp_path / "pnnx"
    converter.write_text(
        '#!/bin/sh\ntest -s model.onnx || exit 1\necho noise\npwd >"$(dirname "$0")/place"\n'
        'echo "$@" >model.ncnn.param\necho weights >model.ncnn.bin\n'
    )
    converter.chmod(0o755)
    monkeypatch.setattr(Net, "made", [])
    stand_in(monkeypatch, "ncnn", Net=Net, Mat=lambda image: image)
    stand_in(monkeypatch, "pnnx", EXEC_PATH=str(converter))
    run = worker.ncnn(folder, IMAGE, 2)
    (net,) = Net.made
    assert net.read == ["model.onnx inputshape=[1,3,16,16]f32 fp16=0\n", "weights\n"]
    assert vars(net.opt) == {
        **{"fp16": True, "bf16": True, "num_threads": 2, "use_fp16_storage": False},
        **{"use_fp16_arithmetic": False, "use_fp16_packed": False, "use_bf16_storage": False},
    }
    assert not Path((tmp_path / "place").read_text().strip()).exists()
    made = run()
    assert made.shape == (2, 2)
    np.testing.assert_allclose(made, wanted(), rtol=1e-5, atol=1e-6)


@pytest.fixture
def stdout() -> Iterator[None]:
    """Whatever becomes of file descriptor 1, it comes back."""
    kept = os.dup(1)
    yield
    os.dup2(kept, 1)
    os.close(kept)


@pytest.mark.usefixtures("stdout")
def test_the_protocol_has_its_stream_for_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    runs = 0

    def engine(where: Path, image: Any, threads: int) -> worker.Run:
        assert (where, threads) == (folder, 3)
        np.testing.assert_array_equal(image, IMAGE)
        os.write(1, b"loading\n")

        def run() -> Any:
            nonlocal runs
            runs += 1
            os.write(1, b"running\n")
            # Of the first run alone, and as float64.
            return np.full((2, 2), runs, np.float64)

        return run

    monkeypatch.setitem(worker.PEERS, "ncnn", engine)
    ticks = iter(range(100))
    clock = SimpleNamespace(perf_counter=lambda: next(ticks) ** 2)
    monkeypatch.setattr(worker, "time", clock)
    monkeypatch.setattr(sys, "stdin", io.StringIO("2\n0\n3\n"))
    worker.main("ncnn", folder, 3, folder / "out.npy")
    printed = capfd.readouterr()
    # Clock times 0, 1, 4, 9 and so on, and nothing of what is done between two runs.
    assert [json.loads(line) for line in printed.out.splitlines()] == [[], [1, 5], [], [9, 13, 17]]
    assert printed.err == "loading\n" + 6 * "running\n"
    assert runs == 6
    made = np.load(folder / "out.npy")
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made, np.ones((2, 2)))


@pytest.mark.usefixtures("stdout")
def test_an_interrupt_ends_it_without_a_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        """Ctrl-C while it waits."""

        def __iter__(self) -> Iterator[str]:
            raise KeyboardInterrupt

    output = folder / "out.npy"
    assert worker.__file__ is not None
    arguments = [worker.__file__, "onnxruntime", str(folder), "1", str(output)]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr(sys, "stdin", Interrupted())
    runpy.run_path(worker.__file__, run_name="__main__")
    assert capfd.readouterr().out == "[]\n"
    np.testing.assert_allclose(np.load(output), wanted(), rtol=1e-5, atol=1e-6)


def test_it_needs_nothing_of_the_library(folder: Path) -> None:
    """Isolated, as in an environment that has no Colonnade, and driven as a comparison drives it."""
    output, log = folder / "out.npy", folder / "log"
    # What it would import of ours is not there: with -I, PYTHONPATH does not count.
    code = (
        "import runpy, sys; sys.modules['colonnade'] = None; "
        "runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    )
    command = [sys.executable, "-I", "-c", code, worker.__file__, "onnxruntime", str(folder), "1"]
    with Process([*command, str(output)], {}, log) as process:
        process.get_ready()
        assert len(process.run(3)) == 3
        process.finish()
    np.testing.assert_allclose(np.load(output), wanted(), rtol=1e-5, atol=1e-6)


def test_an_engine_that_is_missing_ends_it_before_it_answers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModuleNotFoundError, match="openvino"):
        worker.openvino(folder, IMAGE, 1)


def test_peers_have_the_names_that_tables_show() -> None:
    assert list(worker.PEERS) == [
        *("openvino", "onnxruntime", "pytorch", "pytorch_compile", "executorch_xnnpack", "ncnn"),
    ]
