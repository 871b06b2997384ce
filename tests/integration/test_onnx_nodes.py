# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Node tests of the `onnx` package, executed on this machine and on emulated RISC-V."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import Container
from colonnade.models.importing.onnx_reader import import_onnx
from colonnade.models.module import Network
from colonnade.targets.emulator import emulator
from tests.unit.models.importing.computing import Array, assert_equal
from tests.unit.models.importing.node_cases import NodeCase, node_cases
from tests.unit.models.importing.test_onnx_nodes import TITLE

from ..conftest import RecordRow
from .side_by_side import SideBySide

VECTOR_LENGTHS = (128, 256, 512, 1024)
# At least: those that are imported and whose data the programs take.
EXECUTED = 138


@dataclass(frozen=True)
class Cases:
    """All cases that are executed, in one package."""

    cases: dict[str, NodeCase]
    package: SideBySide

    def check(self, made: dict[str, list[Array]]) -> None:
        """Every case gives what the `onnx` package expects."""
        wrong = []
        for name, case in self.cases.items():
            wide = [each.astype(np.float32) for each in case.expected]
            try:
                assert_equal(made[name], wide, case.tolerance)
            except AssertionError as error:
                wrong.append(f"{case.name}: {error}")
        assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module")
def cases(scratch: Path) -> Cases:
    networks: dict[str, Network] = {}
    executed: dict[str, NodeCase] = {}
    for index, case in enumerate(node_cases()):
        try:
            imported = import_onnx(case.model, case.name)
        except ColonnadeError:
            continue
        # The programs refuse inputs that are not finite.
        if all(np.isfinite(each.astype(np.float32)).all() for each in case.data):
            networks[str(index)], executed[str(index)] = imported.network().eval(), case
    inputs = {name: case.data for name, case in executed.items()}
    assert len(executed) >= EXECUTED
    return Cases(executed, SideBySide(scratch / "nodes", networks, inputs))


@pytest.mark.usefixtures("host_programs")
def test_this_machine_computes_every_case(cases: Cases, record_row: RecordRow) -> None:
    cases.check(cases.package.in_process())
    record_row(TITLE, f"executed on this machine: {len(cases.cases)}")


@pytest.mark.parametrize("vlen", VECTOR_LENGTHS)
def test_emulated_riscv_computes_every_case(
    toolchain: Container,
    riscv64_programs: Path,
    root: Path,
    cases: Cases,
    vlen: int,
    record_row: RecordRow,
) -> None:
    program = str(riscv64_programs.relative_to(root) / "colonnade-run")
    command = [*emulator(vlen), program, "--implementation", "colnm_direct", "--dtype", "f32"]
    cases.check(cases.package.emulated(command, toolchain, root))
    record_row(TITLE, f"executed with VLEN {vlen}: {len(cases.cases)}")
