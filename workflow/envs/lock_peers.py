# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Pin the engines that `host-comparison` compares with, with the hashes of their files.

    python workflow/envs/lock_peers.py

Writes `workflow/envs/peers/<engine>.txt` for each of `ENGINES`: it, and what it needs beyond the
packages of `requirements.txt`, whose versions it gets. Hashes are of the files that pip takes for this
machine.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "workflow/envs/peers"
PROJECT = ROOT / "requirements.txt"
ENGINES = {
    "executorch": ["executorch==1.5.1"],
    "ncnn": ["ncnn==1.0.20261020", "pnnx==20261020"],
    "onnxruntime": ["onnxruntime==1.32.0"],
    "openvino": ["openvino==2026.4.1"],
}


def resolve(wanted: list[str], constraints: list[str], known: set[str]) -> list[str]:
    """One block of lines for each package that is not `known`, of the versions of `constraints`."""
    with tempfile.TemporaryDirectory() as folder:
        report, pins = Path(folder, "report.json"), Path(folder, "constraints.txt")
        pins.write_text("\n".join(constraints), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
        options = ["--quiet", "--report", str(report), "--constraint", str(pins)]
        subprocess.run([*command, *options, *wanted], check=True)
        found = json.loads(report.read_text("utf-8"))["install"]
    blocks = []
    for each in found:
        name = each["metadata"]["name"].lower().replace("_", "-")
        version = each["metadata"]["version"]
        if name not in known:
            digest = each["download_info"]["archive_info"]["hashes"]["sha256"]
            blocks.append(f"{name}=={version} \\\n    --hash=sha256:{digest}\n")
    return sorted(blocks)


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    constraints = re.findall(r"^[\w.-]+==[\w.]+", PROJECT.read_text("utf-8"), re.MULTILINE)
    known = {pin.split("==")[0].lower() for pin in constraints}
    for engine, wanted in ENGINES.items():
        blocks = resolve(wanted, constraints, known)
        header = (
            f"# Made by workflow/envs/lock_peers.py: what {engine} needs beside requirements.txt.\n"
        )
        (FOLDER / f"{engine}.txt").write_text(header + "".join(blocks), encoding="utf-8")
        constraints += [block.split(" ")[0] for block in blocks]


if __name__ == "__main__":
    main()
