# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Runs a network by another engine, whenever it is asked to: a program of the peers' own environment.

    worker.py PEER FOLDER THREADS OUTPUT

FOLDER holds `input.npy` and the network, as `model.onnx` and as `model.pt2`. The first run's output goes
to OUTPUT. Then stdout gets a JSON line, the empty list, and for each number on stdin another one: the
seconds of as many runs. Nothing of the library is imported: that environment has the peers alone.
"""

import contextlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Run = Callable[[], Any]


def _load(name: str) -> Any:
    return importlib.import_module(name)


def onnxruntime(folder: Path, image: Any, threads: int) -> Run:
    """ONNX Runtime's CPU provider, with fixed sizes."""
    ort = _load("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    path = str(folder / "model.onnx")
    (plain,) = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).get_inputs()
    for name, size in zip(plain.shape, image.shape, strict=True):
        if isinstance(name, str):
            options.add_free_dimension_override_by_name(name, size)
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {plain.name: image})[0]


def openvino(folder: Path, image: Any, threads: int) -> Run:
    """OpenVINO for latency, with f32 throughout."""
    ov = _load("openvino")
    core = ov.Core()
    model = core.read_model(folder / "model.onnx")
    model.reshape(list(image.shape))
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    request.set_input_tensor(ov.Tensor(image, shared_memory=True))

    def run() -> Any:
        request.infer()
        return request.get_output_tensor().data

    return run


def _torch_module(folder: Path, threads: int) -> tuple[Any, Any]:
    torch = _load("torch")
    torch.set_num_threads(threads)
    torch.set_grad_enabled(mode=False)
    module = torch.export.load(folder / "model.pt2").module()
    return torch, module.to(memory_format=torch.channels_last)


def pytorch(folder: Path, image: Any, threads: int) -> Run:
    """PyTorch, frozen (normalisations folded) and in channels_last."""
    torch, module = _torch_module(folder, threads)
    tensor = torch.from_numpy(image).to(memory_format=torch.channels_last)
    frozen = torch.jit.freeze(torch.jit.trace(module, tensor).eval())
    frozen = torch.jit.optimize_for_inference(frozen)
    return lambda: frozen(tensor).numpy()


def pytorch_compile(folder: Path, image: Any, threads: int) -> Run:
    """PyTorch, compiled and frozen, in channels_last."""
    torch, module = _torch_module(folder, threads)
    _load("torch._inductor.config").freezing = True
    tensor = torch.from_numpy(image).to(memory_format=torch.channels_last)
    compiled = torch.compile(module)
    return lambda: compiled(tensor).numpy()


def executorch_xnnpack(folder: Path, image: Any, threads: int) -> Run:
    """ExecuTorch, all that it can delegated to XNNPACK."""
    torch = _load("torch")
    partitioner = _load("executorch.backends.xnnpack.partition.xnnpack_partitioner")
    exir = _load("executorch.exir")
    exported = torch.export.load(folder / "model.pt2")
    lowered = exir.to_edge_transform_and_lower(
        exported, partitioner=[partitioner.XnnpackPartitioner()]
    )
    library = _load("executorch.extension.pybindings.portable_lib")
    library._unsafe_reset_threadpool(threads)
    buffer, tensor = lowered.to_executorch().buffer, torch.from_numpy(image)
    program = library._load_for_executorch_from_buffer(buffer)

    def run() -> Any:
        # The program reads from it, and does not keep it.
        assert buffer
        return program.forward([tensor])[0].numpy()

    return run


def ncnn(folder: Path, image: Any, threads: int) -> Run:
    """The engine ncnn, converted by pnnx. It runs one image at a time."""
    engine = _load("ncnn")
    converter = _load("pnnx").EXEC_PATH
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(folder / "model.onnx", scratch)
        shape = ",".join(map(str, (1, *image.shape[1:])))
        subprocess.run(
            [converter, "model.onnx", f"inputshape=[{shape}]f32", "fp16=0"],
            cwd=scratch,
            check=True,
            capture_output=True,
        )
        network = engine.Net()
        network.opt.num_threads = threads
        network.opt.use_fp16_storage = network.opt.use_fp16_arithmetic = False
        network.opt.use_fp16_packed = network.opt.use_bf16_storage = False
        network.load_param(f"{scratch}/model.ncnn.param")
        network.load_model(f"{scratch}/model.ncnn.bin")
    images = [engine.Mat(each) for each in image]

    def run() -> Any:
        outputs = []
        for each in images:
            extractor = network.create_extractor()
            extractor.input("in0", each)
            outputs.append(np.array(extractor.extract("out0")[1]))
        return np.stack(outputs)

    return run


PEERS: dict[str, Callable[[Path, Any, int], Run]] = {
    each.__name__: each
    for each in (openvino, onnxruntime, pytorch, pytorch_compile, executorch_xnnpack, ncnn)
}


def main(peer: str, folder: Path, threads: int, output: Path) -> None:
    """Load the peer, run it once, and then as often as stdin says."""
    image = np.load(folder / "input.npy")
    # What engines print goes where people look for it, not into the protocol.
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run = PEERS[peer](folder, image, threads)
    np.save(output, np.array(run(), dtype=np.float32))
    print("[]", file=lines, flush=True)
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            begin = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - begin)
        print(json.dumps(seconds), file=lines, flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
