# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A toolchain build that a signal ends leaves no process, no mount and no file, at any moment.

The stand-in for mmdebstrap mounts and writes in its temporary folder as the real one does, starts a
child that ignores SIGTERM, and does not end by itself.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import temporary
from colonnade.container.recipe import recipe_hash
from colonnade.container.rootfs import RootfsEngine
from colonnade.container.temporary import mounts_below, temporary_folder

from ..signals import HEEDING

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 60

STAND_IN = """#!/bin/sh
work=$(mktemp -d)
mkdir "$work/system" "$work/dev"
head -c 1000000 /dev/zero > "$work/system/file"
[ "$(id -u)" = 0 ] && mount --bind /dev "$work/dev"
(trap '' TERM INT HUP; exec sleep 301) &
if [ "$MOMENT" = second ]; then
    for argument; do
        case $argument in
        "--customize-hook=tar-out "*)
            set -- $argument
            tar -cf "$3" -T /dev/null
            umount "$work/dev"
            kill -9 $!
            rm -r "$work"
            exit 0 ;;
        esac
    done
    tar -c -C "$work" system | head -c 100000
fi
echo ready >> "$READY"
exec sleep 302
"""
BUILD = """
import sys
from pathlib import Path
from colonnade.container import mmdebstrap, rootfs, selection
from colonnade.cli import cli, main
mmdebstrap._TEMPORARY = Path(sys.argv.pop())
mmdebstrap._NEEDED_BYTES = 0
main()
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "containers", folder / "containers")
    (tmp_path / "var").mkdir()
    (tmp_path / "tools").mkdir()
    program = tmp_path / "tools/mmdebstrap"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    # Without bubblewrap the build's own check of the engine needs root; with it, nothing.
    monkeypatch.setenv("PATH", f"{tmp_path / 'tools'}:{os.environ['PATH']}")
    monkeypatch.setenv("READY", str(tmp_path / "ready"))
    yield folder
    assert mounts_below(tmp_path) == []


def _started(checkout: Path, moment: str) -> subprocess.Popen[str]:
    """A build at a moment: while QEMU is built, or while the system is unpacked."""
    command = [
        *HEEDING,
        sys.executable,
        "-c",
        BUILD,
        "toolchain",
        "--engine",
        "rootfs",
        "image.json",
    ]
    build = subprocess.Popen(
        [*command, str(checkout.parent / "var")],
        cwd=checkout, env={**os.environ, "MOMENT": moment}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + SECONDS
    while not (checkout.parent / "ready").exists():
        assert build.poll() is None, build.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return build


def _left(checkout: Path) -> list[str]:
    """What there is of a build: files, mounts, processes."""
    files = [*checkout.parent.glob("var/*"), *checkout.glob(".colonnade/rootfs/*")]
    running = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            own = f"READY={checkout.parent}/ready".encode() in (process / "environ").read_bytes()
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if own and words[:1] == [b"sleep"]:
            running.append(f"process {process.name}")
    return [*map(str, files), *mounts_below(checkout.parent), *running]


@pytest.mark.parametrize("moment", ["first", "second"])
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda each: each.name
)
def test_a_build_that_is_asked_to_end_leaves_nothing(
    checkout: Path, number: signal.Signals, moment: str
) -> None:
    build = _started(checkout, moment)
    assert [entry for entry in _left(checkout) if "/var/colonnade-build-" in entry]
    build.send_signal(number)
    time.sleep(0.02)
    build.send_signal(number)  # the impatient do not stop the clean-up
    assert build.wait(SECONDS) == 128 + number
    assert _left(checkout) == []


@pytest.mark.parametrize("moment", ["first", "second"])
def test_of_a_build_that_is_killed_only_files_are_left_for_the_next_one_to_remove(
    checkout: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root's build is all in namespaces of its own")
    build = _started(checkout, moment)
    build.kill()
    build.wait()
    deadline = time.monotonic() + SECONDS
    while any(each.startswith("process") for each in _left(checkout)):
        assert time.monotonic() < deadline, _left(checkout)
        time.sleep(0.05)
    assert mounts_below(checkout.parent) == []
    assert len(_left(checkout)) == 2
    with temporary_folder(checkout.parent / "var") as folder:
        assert list(folder.parent.iterdir()) == [folder]
    monkeypatch.setattr(RootfsEngine, "_build", lambda *_: pytest.fail("built"))
    home = checkout / ".colonnade/rootfs" / recipe_hash(checkout)[:16]
    home.mkdir()
    (home / "digest").write_text("sha256:0")
    RootfsEngine().ensure(checkout, recipe_hash(checkout))
    assert _left(checkout) == [str(home)]


def test_a_folder_that_another_build_holds_is_left_alone(tmp_path: Path) -> None:
    with temporary_folder(tmp_path) as first, temporary_folder(tmp_path) as second:
        assert first != second
        assert first.is_dir()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_is_still_mounted_is_unmounted_first_and_never_emptied(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    with temporary_folder(tmp_path) as folder:
        place = folder / "a place"
        place.mkdir()
        subprocess.run(["mount", "--bind", precious, place], check=True)
        assert mounts_below(folder) == [str(place)]
    assert not folder.exists()
    assert (precious / "file").exists()


def test_what_cannot_be_unmounted_is_named_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "mounts_below", lambda folder: [f"{folder}/dev"])
    monkeypatch.setattr(temporary.subprocess, "run", lambda *_, **__: None)
    with (
        pytest.raises(ColonnadeError, match=r"/dev: is mounted, and cannot be unmounted"),
        temporary_folder(tmp_path) as folder,
    ):
        (folder / "file").touch()
    assert (folder / "file").exists()


def test_a_full_disk_under_the_log_ends_the_build_and_does_not_hang_it(tmp_path: Path) -> None:
    from colonnade.container.progress import BuildLog

    full = tmp_path / "full.log"
    full.symlink_to("/dev/full")
    with (
        pytest.raises(ColonnadeError, match=r"full\.log: cannot be written: No space left"),
        BuildLog("toolchain", full) as log,
    ):
        for number in range(1000):
            log.line(f"line {number}")
        assert log.tail().endswith("line 999")
