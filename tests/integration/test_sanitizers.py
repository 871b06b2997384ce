# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The kernels' own tests under sanitizers on the host."""

from collections.abc import Callable
from pathlib import Path

from colonnade.container import Container

from .googletest import passed


def test_sanitizers_find_nothing(
    toolchain: Container, build_part: Callable[[str], Path], root: Path
) -> None:
    """The kernels' tests on this host under AddressSanitizer and UndefinedBehaviorSanitizer."""
    output = build_part("sanitized").relative_to(root)
    # The stack frames that this check moves elsewhere are too little aligned for AVX-512.
    options = {"ASAN_OPTIONS": "detect_stack_use_after_return=0"}
    log = toolchain.run([str(output / "colonnade-tests")], env=options).stdout
    assert passed(log) > 400
