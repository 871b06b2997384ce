# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which of XNNPACK's sources a build takes: what is called, under every name, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "kernels/cmake/reachable.py"

PROGRAM = (
    "int main(void) { return xnn_create_convolution_f32(); }  // not xnn_create_convolution_qs8"
)
SOURCES = {
    "operator.c": """
#include "xnnpack.h"
static int create(const char* name) { return name[0] == '{'; }
int xnn_create_convolution_f32(void) { return create("{") + xnn_init_f32_gemm_config(); }
int xnn_create_convolution_qs8(void) { return xnn_init_qs8_gemm_config(); }
""",
    "config.c": """
XNN_INIT_ONCE_GUARD(f32_gemm);
static void init_f32_gemm_config(void) {
  #if XNN_ARCH_X86
    if (cpu.avx512) { config.gemm = (fn) xnn_f32_gemm_ukernel_7x32__avx512f; }
    else { config.gemm = (fn) xnn_f32_gemm_ukernel_4x8__sse; }
  #endif
}
static void init_qs8_gemm_config(void) { config.gemm = (fn) xnn_qs8_gemm_ukernel_1x4__sse; }
int xnn_init_f32_gemm_config() { XNN_INIT_ONCE(f32_gemm); return 1; }
int xnn_init_qs8_gemm_config() { XNN_INIT_ONCE(qs8_gemm); return 1; }
""",
    "avx512f.c": "void xnn_f32_gemm_ukernel_7x32__avx512f(\n    size_t mr)\n{ load(xnn_table_exp2); }",
    "sse.c": "void xnn_f32_gemm_ukernel_4x8__sse(size_t mr) { CALL(mr); }",
    "qs8.c": "void xnn_qs8_gemm_ukernel_1x4__sse(size_t mr) { }",
    "table.c": "XNN_INTERNAL const uint32_t xnn_table_exp2[64] = { 0x3F800000, 0x3F7EC9AF, };",
    # The same name, known in its file only.
    "other.c": "static int create(int x) { return xnn_qs8_gemm_ukernel_1x4__sse(x); }",
    "packing.cc": 'extern "C" {\nvoid xnn_pack(void) { }\n}  // extern "C"\nnamespace { int unused; }',
}


def reachable(folder: Path, program: str) -> set[str]:
    for name, text in SOURCES.items():
        (folder / name).write_text(text)
    (folder / "main.c").write_text(program)
    (folder / "roots").write_text(str(folder / "main.c"))
    (folder / "candidates").write_text("\n".join(str(folder / name) for name in SOURCES))
    command = [sys.executable, str(SCRIPT), str(folder / "roots"), str(folder / "candidates")]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {Path(path).name for path in found}


def test_all_instruction_sets_of_what_is_called_are_found(tmp_path: Path) -> None:
    expected = {"operator.c", "config.c", "avx512f.c", "sse.c", "table.c"}
    assert reachable(tmp_path, PROGRAM) == expected


@pytest.mark.parametrize(
    ("called", "found"),
    [
        ("xnn_create_convolution_qs8", {"operator.c", "config.c", "qs8.c"}),
        ("xnn_pack", {"packing.cc"}),
        ("create", set()),
    ],
)
def test_nothing_else_is_found(tmp_path: Path, called: str, found: set[str]) -> None:
    assert reachable(tmp_path, f"int main(void) {{ {called}(); }}") == found
