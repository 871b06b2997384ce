"""Pin every Python package, with the hashes of its files, as `pyproject.toml` asks for them now.

    pip install uv
    python workflow/envs/lock.py [--upgrade]

Writes `requirements.txt`, and `requirements-cuda.txt` for what only a PyTorch with CUDA needs. Versions
that are pinned already stay, without --upgrade. Hashes are of the package index's files for CPython on
Linux, x86-64 and aarch64.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAIN, CUDA = ROOT / "requirements.txt", ROOT / "requirements-cuda.txt"
CUDA_PACKAGES = ("nvidia-", "cuda-", "triton")
# Builds of PyTorch without CUDA are not in the package index; `pip hash FILE` prints their hashes.
CPU_BUILDS = {
    "torch==2.13.0": ["6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"],
}
SETTINGS = """
[tool.uv]
environments = [
    "sys_platform == 'linux' and platform_machine == 'x86_64' and implementation_name == 'cpython'",
    "sys_platform == 'linux' and platform_machine == 'aarch64' and implementation_name == 'cpython'",
]
constraint-dependencies = {pins}
"""
HEADER = "# Made by workflow/envs/lock.py from pyproject.toml: {what}\n"
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


def with_cpu_builds(block: str) -> str:
    """Allow the builds of PyTorch that the package index does not have."""
    hashes = CPU_BUILDS.get(block.split(" ", 1)[0], [])
    return block.rstrip("\n") + "".join(f" \\\n    --hash=sha256:{each}" for each in hashes) + "\n"


def main() -> None:
    """Write both files."""
    current = "".join(path.read_text(encoding="utf-8") for path in (PLAIN, CUDA) if path.exists())
    pins = [] if "--upgrade" in sys.argv[1:] else PIN.findall(current)
    packages = blocks(export(pins))
    cuda = [block for block in packages if block.startswith(CUDA_PACKAGES)]
    plain = [with_cpu_builds(block) for block in packages if block not in cuda]
    PLAIN.write_text(HEADER.format(what="all packages.") + "".join(plain), encoding="utf-8")
    CUDA.write_text(
        HEADER.format(what="what a PyTorch with CUDA needs beside them.") + "".join(cuda),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
