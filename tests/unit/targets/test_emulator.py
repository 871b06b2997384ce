# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The emulator's CPU is composed in one place."""

import re
import subprocess
from pathlib import Path

from colonnade.common.paths import QEMU, QEMU_AARCH64
from colonnade.targets import emulator as module
from colonnade.targets.emulator import emulator, emulator_aarch64, timed

ROOT = Path(__file__).resolve().parents[3]
# It builds and installs the emulator.
INSTALLS = "containers/steps/qemu.sh"


def test_the_cpu_of_a_target() -> None:
    assert emulator(512)[1:] == ["-cpu", "rv64,v=true,vlen=512,zfh=true,zvfh=true"]
    assert emulator(128, half_precision=False) == [QEMU, "-cpu", "rv64,v=true,vlen=128"]
    assert emulator_aarch64() == [QEMU_AARCH64, "-cpu", "cortex-a76"]
    assert emulator_aarch64(half_precision=False)[1:] == ["-cpu", "cortex-a72"]
    found = timed(Path("core.json"), Path("regions.jsonl"), Path("model.so"))
    assert found == ["-plugin", "model.so,core=core.json,out=regions.jsonl"]


def test_no_other_source_says_it() -> None:
    """Prose does: what people type is tried by other tests."""
    kinds = ("*.py", "*.smk", "*.sh", "*.cc", "*.h", "*.c", "Makefile", "Snakefile")
    listed = ["git", "-C", str(ROOT), "ls-files", "--", *kinds]
    files = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    assert len(files) > 200
    own = {str(Path(each).resolve().relative_to(ROOT)) for each in (module.__file__, __file__)}
    said = re.compile(r"rv64,v=|cortex-a7|/opt/qemu/bin/qemu-")
    found = {file for file in files if said.search((ROOT / file).read_text("utf-8"))}
    paths = "workflow/colonnade/common/paths.py"
    assert found == {*own, paths}
    installed = re.findall(r"^install .*(qemu-\S+64) (\S+/)$", (ROOT / INSTALLS).read_text(), re.M)
    assert [folder + name for name, folder in installed] == [QEMU, QEMU_AARCH64]
