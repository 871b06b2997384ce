# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Commands that are typed with other files or names than the configuration has are told so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from colonnade.cli import cli, main
from colonnade.common.errors import ColonnadeError


@pytest.mark.parametrize(
    ("command", "number"),
    [
        (["table", "throughput"], 8),
        (["table", "accuracy"], 3),
        (["table", "decomposition"], 8),
        (["step", "pareto"], 7),
    ],
    ids=lambda each: each[1] if isinstance(each, list) else None,
)
def test_a_wrong_number_of_files_is_told(
    settings: str, tmp_path: Path, command: list[str], number: int
) -> None:
    outputs = [str(tmp_path / name) for name in ("a", "b", "c")]
    outputs = outputs if command[1] == "pareto" else outputs[:1]
    with pytest.raises(ColonnadeError, match=f"1 files, one the first; allowed .*: {number}, in"):
        cli([*command, settings, *outputs, "one"], standalone_mode=False)
    assert not any(Path(output).exists() for output in outputs)


def test_a_convolution_that_is_not_audited_is_told(settings: str, tmp_path: Path) -> None:
    conv = "n1c5h5w5-o5-k1x1-s1-p0-d1"
    with pytest.raises(ColonnadeError, match=f"convolution '{conv}': not drawn; allowed: n1c"):
        cli(["step", "audit-tuner", settings, conv, str(tmp_path / "o")], standalone_mode=False)


def test_a_table_of_other_targets_needs_no_toolchain(
    settings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colonnade.cli.common.IMAGE", tmp_path / "image.json")
    command = [
        "table",
        "throughput_cores",
        "--target",
        "c908",
        settings,
        str(tmp_path / "o"),
        "one",
    ]
    with pytest.raises(ColonnadeError, match="1 files, one the first; allowed"):
        cli(command, standalone_mode=False)


def test_an_interruption_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("colonnade.cli.cli", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "interrupted: what was not finished is not written\n"


@pytest.mark.parametrize(("given", "found"), [(None, "1000"), ("7", "7")])
def test_threads_that_wait_sleep_soon(given: str | None, found: str) -> None:
    """libgomp reads its settings when PyTorch is imported: by then the command has made its own."""
    program = (
        "import os, sys, colonnade.cli; sys.argv = ['colonnade', '--version'];"
        "assert 'torch' not in sys.modules; colonnade.cli.main(); print(os.environ['GOMP_SPINCOUNT'])"
    )
    inherited = {key: value for key, value in os.environ.items() if key != "GOMP_SPINCOUNT"}
    env = inherited if given is None else {**inherited, "GOMP_SPINCOUNT": given}
    said = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines()[-1] == found
