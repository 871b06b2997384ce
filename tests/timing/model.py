"""Runs programs under the timing plugin, and asks its parts what they do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colonnade.container import Container

ROOT = Path(__file__).resolve().parents[2]
WORK = Path("results/build/timing-tests")
CORE = "kernels/timing/cores/x60.json"
CLANG = [
    "clang-19",
    "--target=riscv64-linux-gnu",
    "-march=rv64gcv_zfh_zvfh_zba",
    "-fuse-ld=lld",
    "-static",
    "-O2",
    "-Ikernels/timing",
]


@dataclass(frozen=True)
class TimingModel:
    """The built plugin; paths are relative to the repository, as the container sees it."""

    toolchain: Container

    def compile(self, name: str, sources: Sequence[str], *flags: str) -> str:
        """Cross-compile a program and return its path."""
        program = f"{WORK}/{name}"
        self.toolchain.run([*CLANG, *flags, *sources, "-o", program])
        return program

    def run(
        self,
        program: str,
        *,
        core: str = CORE,
        vlen: int = 256,
        qemu_options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> list[dict[str, Any]]:
        """Run a program under the model and return its regions in order."""
        out = f"{WORK}/regions.jsonl"
        plugin = f"{WORK}/libcolonnade-timing.so,core={core},out={out}"
        cpu = f"rv64,v=true,vlen={vlen},zfh=true,zvfh=true"
        self.toolchain.run(
            ["/opt/qemu/bin/qemu-riscv64", "-cpu", cpu, *qemu_options, "-plugin", plugin, program],
            env=env or {},
        )
        return [json.loads(line) for line in (ROOT / out).read_text().splitlines()]

    def dump(self, *arguments: str, stdin: str = "") -> list[str]:
        """Lines that a part of the model prints (see model_dump.c)."""
        result = self.toolchain.run([f"{WORK}/model-dump", *arguments], stdin=stdin.encode())
        return result.stdout.splitlines()
