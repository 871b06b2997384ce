# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Pin every Python package, with the hashes of its files, as `pyproject.toml` asks for them now.

    pip install uv
    python workflow/envs/lock.py [--upgrade]

Writes `requirements.txt`, `requirements-cuda.txt` for what only a PyTorch with CUDA needs, and
`requirements-cpu.txt` with a PyTorch without it. Versions that are pinned already stay, without
--upgrade. Hashes are of the package index's files for CPython on Linux, x86-64 and aarch64.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAIN, CUDA, CPU = (ROOT / f"requirements{part}.txt" for part in ("", "-cuda", "-cpu"))
CUDA_PACKAGES = ("nvidia-", "cuda-", "triton")
# Builds without CUDA are not in every package index; `pip hash FILE` prints the hash of one.
CPU_VERSION = "2.13.0"
CPU_HASHES = ["6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"]
SETTINGS = """
[tool.uv]
environments = [
    "sys_platform == 'linux' and platform_machine == 'x86_64' and implementation_name == 'cpython'",
    "sys_platform == 'linux' and platform_machine == 'aarch64' and implementation_name == 'cpython'",
]
constraint-dependencies = {pins}
"""
PIN = re.compile(r"^[\w.-]+==[\w.]+", re.MULTILINE)


def export(pins: list[str]) -> str:
    """Resolve the dependencies under the constraints `pins`; return a requirements file."""
    with tempfile.TemporaryDirectory() as folder:
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        Path(folder, "pyproject.toml").write_text(
            project + SETTINGS.format(pins=pins), encoding="utf-8"
        )
        options = ("--all-extras", "--no-emit-project", "--no-header", "--no-annotate", "--frozen")
        subprocess.run(["uv", "--no-config", "lock"], cwd=folder, check=True)
        command = ["uv", "--no-config", "export", *options]
        return subprocess.run(
            command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True
        ).stdout


def blocks(requirements: str) -> list[str]:
    """One block of lines for each package, without the markers, which all say `Linux`."""
    text = re.sub(r"^(\S+==\S+) ; .*(?= \\$)", r"\1", requirements, flags=re.MULTILINE)
    return [block + "\n" for block in re.split(r"\n(?=\S)", text.strip())]


def cpu_build(packages: list[str]) -> str:
    """The block of PyTorch without CUDA, of the version that is pinned."""
    if not any(block.startswith(f"torch=={CPU_VERSION} ") for block in packages):
        raise SystemExit(
            f"{__file__}: CPU_VERSION: {CPU_VERSION} is not the pinned version of torch"
        )
    hashes = "".join(f" \\\n    --hash=sha256:{each}" for each in CPU_HASHES)
    return f"torch=={CPU_VERSION}+cpu{hashes}\n"


def main() -> None:
    """Write the files."""
    current = "".join(path.read_text(encoding="utf-8") for path in (PLAIN, CUDA) if path.exists())
    pins = [] if "--upgrade" in sys.argv[1:] else PIN.findall(current)
    packages = blocks(export(pins))
    cuda = [block for block in packages if block.startswith(CUDA_PACKAGES)]
    plain = [block for block in packages if block not in cuda]
    for path, what, content in (
        (PLAIN, "all packages", plain),
        (CUDA, "what a PyTorch with CUDA needs beside them", cuda),
        (CPU, "a PyTorch without CUDA, for where a package index has it", [cpu_build(plain)]),
    ):
        header = f"# Made by workflow/envs/lock.py from pyproject.toml: {what}.\n"
        path.write_text(header + "".join(content), encoding="utf-8")


if __name__ == "__main__":
    main()
