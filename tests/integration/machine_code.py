# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The machine code of programs and object files."""

import re
from collections.abc import Collection
from pathlib import Path

from colonnade.container import Container

Code = list[tuple[int, str]]
"""Addresses and instructions."""


def disassembly(
    toolchain: Container, root: Path, file: Path, chosen: Collection[str] = ()
) -> dict[str, Code]:
    """The code of each function, or of those that are `chosen`, by name."""
    command = ["llvm-objdump-19", "-d", "--no-show-raw-insn", "--no-print-imm-hex"]
    command += [f"--disassemble-symbols={','.join(sorted(chosen))}"] if chosen else []
    functions: dict[str, Code] = {}
    for line in toolchain.run([*command, str(file.relative_to(root))]).stdout.splitlines():
        if header := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            current = functions.setdefault(header[1], [])
        elif match := re.match(r"\s*([0-9a-f]+):\s+(.*)", line):
            current.append((int(match[1], 16), match[2]))
    return functions


def innermost_loops(code: Code) -> list[list[str]]:
    """The bodies of loops that have none within, on x86, Arm or RISC-V."""
    places = {address: index for index, (address, _) in enumerate(code)}
    bodies: list[list[str]] = []
    ends = -1
    for last, (_, text) in enumerate(code):
        jump = re.match(r"(?:j|b|cb|tb)\S*\s.*?0x([0-9a-f]+) <", text)
        first = places.get(int(jump[1], 16)) if jump else None
        if first is not None and ends < first <= last:
            bodies.append([each for _, each in code[first : last + 1]])
            ends = last
    return bodies
