# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The rootfs engine's bookkeeping, with a stand-in for mmdebstrap that makes tiny systems."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import mmdebstrap
from colonnade.container.recipe import recipe_hash
from colonnade.container.rootfs import RootfsEngine

ROOT = Path(__file__).resolve().parents[3]

# Does what the real one does with the arguments used: `tar-out` hooks and the archive on stdout.
STAND_IN = """#!/bin/sh
set -e
echo "$@" >> "$CALLS"
for argument; do
    case $argument in
    "--customize-hook=tar-out "*) set -- $argument; tar -cf "$3" -T /dev/null; exit 0 ;;
    esac
done
echo "==> making a tiny system" >&2
{behaviour}
mkdir -p "$WORK/locked"
echo tiny > "$WORK/locked/file"
chmod 555 "$WORK/locked"
tar -c -C "$WORK" .
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "containers", checkout / "containers")
    return checkout


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs the stand-in with some shell code in its middle; returns the file of its calls."""
    tools = tmp_path / "tools"
    tools.mkdir()
    calls = tmp_path / "calls"
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("WORK", str(tmp_path / "work"))
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")

    def install(behaviour: str = "") -> Path:
        (tools / "mmdebstrap").write_text(STAND_IN.replace("{behaviour}", behaviour))
        (tools / "mmdebstrap").chmod(0o755)
        return calls

    return install


def _state(checkout: Path) -> list[str]:
    return sorted(path.name for path in (checkout / ".colonnade/rootfs").glob("*"))


def _ensure(checkout: Path) -> tuple[str, str]:
    return RootfsEngine().ensure(checkout, recipe_hash(checkout))


def test_built_once_and_reused(checkout: Path, bootstrap) -> None:
    calls = bootstrap()
    reference, digest = _ensure(checkout)
    assert (checkout / reference / "tree/locked/file").read_text() == "tiny\n"
    assert digest.startswith("sha256:")
    assert _state(checkout) == [recipe_hash(checkout)[:16]]
    first = calls.read_text()
    assert first.count("--variant=minbase") == 2
    assert _ensure(checkout) == (reference, digest)
    assert calls.read_text() == first


def test_a_changed_recipe_replaces_the_old_rootfs(checkout: Path, bootstrap) -> None:
    bootstrap()
    old, _ = _ensure(checkout)
    with (checkout / "containers/versions.env").open("a") as stream:
        stream.write("# changed\n")
    new, _ = _ensure(checkout)
    assert new != old
    assert _state(checkout) == [Path(new).name]


OTHER_ARCHIVE = "deb [check-valid-until=no] http://archive.invalid/20260101 trixie main"


def test_packages_may_come_from_another_archive(checkout: Path, bootstrap) -> None:
    calls = bootstrap()
    before, _ = _ensure(checkout)
    assert "deb [" not in calls.read_text()
    listed = checkout / "containers/archive.list"
    listed.write_text(f"# a snapshot\n\n{OTHER_ARCHIVE}\n")
    after, _ = _ensure(checkout)
    assert after != before
    ends = [line.endswith(f" trixie - {OTHER_ARCHIVE}") for line in calls.read_text().splitlines()]
    assert ends == [False, False, True, True]


@pytest.mark.parametrize(
    ("text", "seen"), [("# nothing\n", "'no line'"), (f"{OTHER_ARCHIVE}\nhttp://x\n", "'http://x'")]
)
def test_another_archive_in_other_words_is_refused(
    checkout: Path, bootstrap, text: str, seen: str
) -> None:
    calls = bootstrap()
    (checkout / "containers/archive.list").write_text(text)
    with pytest.raises(ColonnadeError, match=rf"archive\.list: {seen}; allowed: lines `deb URI"):
        _ensure(checkout)
    assert not calls.exists()


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("echo 'E: no such suite' >&2; exit 25", r"mmdebstrap: exit status 25.*\n(.*\n)*.*no such"),
        ("echo 'tar: No space left on device' >&2; exit 1", r"no space left on device$"),
        ("echo garbage; exit 0", r"cannot be unpacked"),
    ],
)
def test_a_failed_build_leaves_nothing_and_the_next_one_works(
    checkout: Path, bootstrap, behaviour: str, message: str
) -> None:
    bootstrap(behaviour)
    with pytest.raises(ColonnadeError, match=message):
        _ensure(checkout)
    assert _state(checkout) == []
    bootstrap()
    _ensure(checkout)
    assert len(_state(checkout)) == 1


def test_what_a_killed_build_left_is_removed(checkout: Path, bootstrap) -> None:
    bootstrap()
    leftover = checkout / ".colonnade/rootfs/.0123.tmp/tree/locked"
    leftover.mkdir(parents=True)
    (leftover / "file").touch()
    leftover.chmod(0o555)
    _ensure(checkout)
    assert not leftover.parents[1].exists()


def test_a_nearly_full_disk_is_refused_before_anything_starts(
    checkout: Path, bootstrap, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = bootstrap()
    usage = namedtuple("usage", "free")(2**30)
    monkeypatch.setattr(mmdebstrap.shutil, "disk_usage", lambda _folder: usage)
    with pytest.raises(ColonnadeError, match=r"1\.0 GiB free; the toolchain needs 4 GiB"):
        _ensure(checkout)
    assert not calls.exists()
    assert _state(checkout) == []


def test_a_path_with_a_space_is_refused(tmp_path: Path, bootstrap) -> None:
    bootstrap()
    checkout = tmp_path / "my checkout"
    shutil.copytree(ROOT / "containers", checkout / "containers")
    with pytest.raises(ColonnadeError, match="has a space"):
        _ensure(checkout)


def test_an_image_that_is_gone_says_how_to_rebuild_it(checkout: Path, bootstrap) -> None:
    bootstrap()
    reference, digest = _ensure(checkout)
    with pytest.raises(ColonnadeError, match=r"delete results/toolchain/image.json"):
        RootfsEngine().open(reference, "sha256:other", checkout)
    with pytest.raises(ColonnadeError, match=r"not there any more"):
        RootfsEngine().open(".colonnade/rootfs/none", digest, checkout)
