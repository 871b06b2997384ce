# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Entering a root file system: which program does it, with which arguments, and what is refused."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from colonnade.common.errors import ColonnadeError, explained
from colonnade.container import mmdebstrap, rootfs
from colonnade.container.recipe import recipe_hash
from colonnade.container.rootfs import RootfsEngine

DIGEST = "sha256:0"
REFERENCE = ".colonnade/rootfs/0"
# Keeps its arguments, a line each, and runs what follows `--`; without a `--` nothing.
ENTERS = """#!/bin/sh
printf '%s\\n' "$@" > {calls}
while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
[ $# -gt 0 ] || exit 0
shift
exec "$@"
"""
REFUSES = """#!/bin/sh
exit 1
"""

Install = Callable[[str, str], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a program, among few others; returns the file of its last call's arguments."""
    tools = tmp_path / "tools"
    tools.mkdir()
    # What is tried first, to see whether anything can be entered.
    (tools / "true").symlink_to(str(shutil.which("true")))
    monkeypatch.setenv("PATH", str(tools))

    def write(name: str, text: str) -> Path:
        calls = tmp_path / f"{name}-calls"
        (tools / name).write_text(text.replace("{calls}", str(calls)))
        (tools / name).chmod(0o755)
        return calls

    return write


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a root file system, and results on another disk."""
    folder = tmp_path / "checkout"
    (folder / REFERENCE / "tree").mkdir(parents=True)
    (folder / REFERENCE / "digest").write_text(f"{DIGEST}\n")
    (tmp_path / "disk/results").mkdir(parents=True)
    (folder / "results").symlink_to("../disk/results")
    return folder


def lines(calls: Path) -> list[str]:
    return calls.read_text().splitlines()


def test_bubblewrap_enters_it_with_what_the_checkout_leads_to(
    install: Install, checkout: Path, tmp_path: Path
) -> None:
    calls = install("bwrap", ENTERS)
    container = RootfsEngine().open(REFERENCE, DIGEST, checkout)
    log = tmp_path / "log"
    done = container.run(
        ["sh", "-c", "cat; echo $A $HOME $USER_OF_THE_MACHINE; echo err >&2"],
        env={"A": "1"}, log=log, stdin=b"in\n",
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("in\n1 /tmp\n", "err\n")
    assert sorted(log.read_text().splitlines()) == ["1 /tmp", "err", "in"]
    tree = checkout.resolve() / REFERENCE / "tree"
    disk = str(tmp_path / "disk/results")
    assert lines(calls)[:3] == ["--ro-bind", str(tree), "/"]
    binds = "\n".join(["--bind", str(checkout), "/colonnade", "--bind", disk, "/disk/results"])
    assert binds in calls.read_text()
    # Its own terminal session: it cannot type into ours.
    options = lines(calls)[: lines(calls).index("--")]
    assert {"--new-session", "--unshare-net", "--unshare-pid", "--die-with-parent"} <= set(options)
    assert options[options.index("--chdir") + 1] == "/colonnade"


def test_only_what_a_command_is_given_reaches_it(
    install: Install, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("bwrap", ENTERS)
    monkeypatch.setenv("LD_PRELOAD_OF_THE_MACHINE", "x")
    done = RootfsEngine().open(REFERENCE, DIGEST, checkout).run(["env"])
    variables = {line.split("=")[0] for line in done.stdout.splitlines()}
    assert variables - {"PWD", "_", "SHLVL", "OLDPWD"} == {"PATH", "HOME", "LANG"}


def test_a_command_that_fails_is_named_with_what_it_printed(
    install: Install, checkout: Path
) -> None:
    install("bwrap", ENTERS)
    with pytest.raises(ColonnadeError) as caught:
        RootfsEngine().open(REFERENCE, DIGEST, checkout).run(["sh", "-c", "echo no; exit 4"])
    assert str(caught.value) == "rootfs: sh: exit status 4\nno"


@pytest.mark.parametrize(("command", "status"), [("exit 5", 5), ("kill -9 $$", 137)])
def test_a_command_on_our_terminal_keeps_its_session_and_its_status(
    install: Install, checkout: Path, command: str, status: int
) -> None:
    calls = install("bwrap", ENTERS)
    container = RootfsEngine().open(REFERENCE, DIGEST, checkout)
    assert container.attach(["sh", "-c", command]) == status
    assert "--new-session" not in lines(calls)
    # A shell knows the status of a program that is not there.
    assert container.attach(["no-such-program-anywhere"]) == 127


def test_without_bubblewrap_root_enters_by_namespaces(install: Install, checkout: Path) -> None:
    calls = install("unshare", ENTERS)
    RootfsEngine().open(REFERENCE, DIGEST, checkout).run(["make", "-j2"])
    given = lines(calls)
    assert given[:6] == ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--net"]
    tree = str(checkout.resolve() / REFERENCE / "tree")
    disk = str(checkout.parent / "disk/results")
    words = ["sh", tree, str(checkout), "/colonnade", disk, "/disk/results", "--", "make", "-j2"]
    assert given[-len(words) :] == words


def test_the_script_for_root_mounts_what_it_is_given_and_then_enters(tmp_path: Path) -> None:
    """With stand-ins that say what they were called with."""
    tools, tree, source = tmp_path / "tools", tmp_path / "tree", tmp_path / "file"
    for folder in (tools, tree):
        folder.mkdir()
    source.touch()
    for name in ("mount", "chroot"):
        (tools / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (tools / name).chmod(0o755)
    pairs = [str(tmp_path), "/colonnade", str(source), "/data/file"]
    done = subprocess.run(
        ["/bin/sh", "-c", rootfs._CHROOT, "sh", str(tree), *pairs, "--", "make", "a b"],
        env={"PATH": f"{tools}:/usr/bin:/bin"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert said[:2] == [f"mount --bind {tree} {tree}", f"mount -o remount,bind,ro {tree}"]
    assert said[-3:-1] == [
        f"mount --rbind {tmp_path} {tree}/colonnade",
        f"mount --rbind {source} {tree}/data/file",
    ]
    assert said[-1] == (f'chroot {tree} /bin/sh -c cd /colonnade && "$@"; exit $? sh make a b')
    assert (tree / "colonnade").is_dir()
    assert (tree / "data/file").is_file()


def test_places_of_mounts_are_made_once_and_only_where_they_are_needed(
    install: Install, checkout: Path, tmp_path: Path
) -> None:
    install("bwrap", ENTERS)
    core = tmp_path / "core.json"
    core.write_text("{}")
    (checkout / "kernels").mkdir()
    (checkout / "kernels/core.json").symlink_to("../../core.json")
    tree = checkout / REFERENCE / "tree"
    for _ in range(2):
        RootfsEngine().open(REFERENCE, DIGEST, checkout)
        made = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
        assert made == ["colonnade", "core.json", "disk", "disk/results"]
    assert (tree / "core.json").read_bytes() == b""
    # These folders are made anew whenever it is entered.
    link = checkout / "scratch"
    for place in ("/tmp/", "/dev/shm/"):
        source = Path(place, f"colonnade-test-{os.getpid()}")
        source.mkdir()
        try:
            link.symlink_to(source)
            RootfsEngine().open(REFERENCE, DIGEST, checkout)
        finally:
            link.unlink()
            source.rmdir()
        assert not (tree / source.relative_to("/")).exists()


def test_a_place_that_leads_out_of_the_rootfs_is_refused(
    install: Install, checkout: Path, tmp_path: Path
) -> None:
    install("bwrap", ENTERS)
    outside = tmp_path / "outside"
    outside.mkdir()
    (checkout / REFERENCE / "tree/disk").symlink_to(outside)
    with pytest.raises(ColonnadeError) as caught:
        RootfsEngine().open(REFERENCE, DIGEST, checkout)
    assert str(caught.value) == (
        f"{tmp_path / 'disk/results'}: a symlink leads there by /disk/results, where the toolchain"
        " container has files of its own; allowed: a link to any other place"
    )
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("programs", "user", "problem"),
    [
        ({"bwrap": ENTERS}, 1000, None),
        ({"bwrap": REFUSES}, 1000, "bubblewrap cannot create namespaces here"),
        ({"bwrap": REFUSES, "unshare": REFUSES}, 0, "bubblewrap cannot create namespaces here"),
        ({"bwrap": REFUSES, "unshare": ENTERS}, 0, None),
        ({"unshare": ENTERS}, 0, None),
        # Only root has namespaces without it.
        ({"unshare": ENTERS}, 1000, "bubblewrap is not installed"),
        ({}, 0, "bubblewrap is not installed"),
    ],
)
def test_what_keeps_us_from_entering_is_told(
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    programs: dict[str, str],
    user: int,
    problem: str | None,
) -> None:
    monkeypatch.setattr(mmdebstrap, "problem", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    for name, text in programs.items():
        install(name, text)
    assert RootfsEngine().problem() == problem


FULL = OSError(28, "No space left on device")
MISSING = FileNotFoundError(2, "No such file or directory", "sh")


@pytest.mark.parametrize(
    ("module", "name", "error", "told"),
    [
        (mmdebstrap, "build_archive", FULL, "{home}: cannot be written: No space left on device"),
        (shutil, "copyfile", FULL, "{root}/containers/"),
        (mmdebstrap, "build_archive", MISSING, "sh: No such file or directory"),
    ],
    ids=["build", "copy", "program"],
)
def test_what_cannot_be_written_or_run_is_named(
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    name: str,
    error: OSError,
    told: str,
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise error

    root = Path(__file__).resolve().parents[3]
    shutil.copytree(root / "containers", checkout / "containers")
    monkeypatch.setattr(mmdebstrap, "check_space", lambda _: None)
    monkeypatch.setattr(module, name, refused)
    recipe = recipe_hash(checkout)
    with pytest.raises((ColonnadeError, OSError)) as caught:
        RootfsEngine().ensure(checkout, recipe)
    home = checkout / ".colonnade/rootfs" / recipe[:16]
    message = explained(caught.value)
    assert message is not None
    assert message.startswith(told.format(home=home, root=checkout))
    assert error.strerror in message
    # Nothing half-made; the old one made way for it.
    assert list(home.parent.iterdir()) == []
