# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The code of the column-wise kernels for RVV: the template rendered as for a build, and parsed."""

import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from colonnade.common.errors import ColonnadeError

_KERNELS = Path(__file__).resolve().parents[4] / "kernels"
GENERATOR = _KERNELS / "generate.py"
TEMPLATE = _KERNELS / "src/colnm-gemm/rvv.S.in"
_NAME = re.compile(r"xnn_(?P<arithmetic>\w+)_colnm_gemm_minmax_ukernel_(?P<tile>\d+)x\dv__\w+")
_LABEL = re.compile(r"(\w+):")


@dataclass(frozen=True)
class Instruction:
    """A line of assembly; `target` is where a branch goes to, as a place in its kernel's code."""

    mnemonic: str
    operands: tuple[str, ...]
    target: int | None


Code = tuple[Instruction, ...]


@cache
def generator() -> ModuleType:
    """`kernels/generate.py`, which renders the templates of kernels."""
    specification = importlib.util.spec_from_file_location("colonnade_kernels", GENERATOR)
    if specification is None or specification.loader is None:
        raise ColonnadeError(f"{GENERATOR}: cannot be imported")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@cache
def arithmetics() -> Mapping[str, Any]:
    """What the kernels compute in, by name: see `Arithmetic` of the generator."""
    sets = generator().INSTRUCTION_SETS["riscv"]
    return {
        arithmetic.name: arithmetic
        for each in sets
        if each.template == TEMPLATE.name
        for arithmetic in each.arithmetics
    }


def kernel_code(arithmetic: str, tile: int, lmul: int) -> Code:
    """The instructions of the kernel for `tile` rows and panels of `lmul` vectors.

    Raises:
        ColonnadeError: the generator makes no such kernel, or its code cannot be parsed.
    """
    kernels = _rendered(arithmetic, lmul)
    if tile not in kernels:
        name = f"{tile}x{lmul}v of {arithmetic}"
        raise ColonnadeError(f"{GENERATOR}: makes no kernel {name}; tiles: {sorted(kernels)}")
    return parse_code(kernels[tile])


@cache
def _rendered(arithmetic: str, lmul: int) -> dict[int, list[str]]:
    """Lines of all kernels of an arithmetic and LMUL, by tile."""
    generate = generator()
    kernels: dict[int, list[str]] = {}
    for template, _, variables in generate.renderings("riscv"):
        made = (variables.get("arithmetic"), variables.get("lmul"))
        if template.endswith(TEMPLATE.name) and made == (arithmetic, lmul):
            _split(generate.render(template, variables), kernels)
    return kernels


def _split(text: str, kernels: dict[int, list[str]]) -> None:
    current: list[str] = []
    for whole in text.splitlines():
        line = whole.partition("//")[0].strip()
        label = _LABEL.fullmatch(line)
        if label and (name := _NAME.fullmatch(label[1])):
            current = kernels.setdefault(int(name["tile"]), [])
        elif line and not line.startswith("."):
            current.append(line)


def parse_code(lines: Sequence[str]) -> Code:
    """Instructions, with local labels (`1:`, and `1b` and `1f` that refer to it) resolved."""
    labels: dict[str, list[int]] = {}
    texts: list[str] = []
    for line in lines:
        if label := _LABEL.fullmatch(line):
            labels.setdefault(label[1], []).append(len(texts))
        else:
            texts.append(line)
    return tuple(_instruction(text, place, labels) for place, text in enumerate(texts))


def _instruction(text: str, place: int, labels: dict[str, list[int]]) -> Instruction:
    mnemonic, _, rest = text.partition(" ")
    operands = tuple(each.strip() for each in rest.split(",")) if rest else ()
    reference = re.fullmatch(r"(\d+)([bf])", operands[-1]) if operands else None
    if reference is None:
        return Instruction(mnemonic, operands, None)
    number, direction = reference[1], reference[2]
    back = [at for at in labels.get(number, []) if at <= place]
    ahead = [at for at in labels.get(number, []) if at > place]
    if not (back if direction == "b" else ahead):
        raise ColonnadeError(f"{TEMPLATE}: '{text}' refers to no label")
    return Instruction(mnemonic, operands[:-1], back[-1] if direction == "b" else ahead[0])
