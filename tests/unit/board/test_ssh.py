# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How OpenSSH's client is called, and what its failures and those of the board are called."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from colonnade.board.ssh import Connection, LostConnectionError
from colonnade.common.errors import ColonnadeError

from .conftest import StandIn

WHERE = "target mine: somebody@board.example:2222"


def connection(there: StandIn, **values: Any) -> Connection:
    return Connection("mine", there.config(**values))


def refused(there: StandIn, **values: Any) -> str:
    """What is said of a board that cannot be connected to."""
    with pytest.raises(ColonnadeError) as caught, connection(there, **values):
        pass
    assert there.commands == []
    return str(caught.value)


def test_a_command_runs_there_in_our_folder(there: StandIn) -> None:
    with connection(there) as mine:
        assert mine.checked("hello").decode() == f"{os.uname().machine}\n"
        answer = mine.call("missing", stdin=b"one\ntwo\n")
    assert (answer.status, answer.stdout, answer.stderr) == (0, b"one\ntwo\n", "")
    assert sorted(path.name for path in (there.home / "ours").iterdir()) == ["jobs", "store"]
    assert there.commands == ["hello", "missing"]
    # One connection for both.
    assert len(there.masters) == 1


def test_only_the_key_and_the_hosts_of_the_targets_file_are_used(
    there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/x")
    with connection(there, identity_file="~/key", known_hosts="~/hosts"):
        pass
    (line,) = there.masters
    assert line.startswith("-F none -p 2222 -l somebody -o ")
    assert line.endswith(" -o ControlMaster=yes -N board.example")
    for option in (
        *("BatchMode=yes", "PasswordAuthentication=no", "PreferredAuthentications=publickey"),
        *("StrictHostKeyChecking=yes", "ForwardAgent=no", "IdentitiesOnly=yes"),
        *("IdentityFile=/home/x/key", "UserKnownHostsFile=/home/x/hosts"),
        *("GlobalKnownHostsFile=/dev/null", "ClearAllForwardings=yes", "UpdateHostKeys=no"),
    ):
        assert f" -o {option} " in line


def test_the_connection_ends_with_the_block(there: StandIn) -> None:
    with connection(there) as mine:
        socket = mine._socket
        pid = int((there.folder / "master").read_text())
        os.kill(pid, 0)
        assert socket.exists()
    assert not socket.parent.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_changed_host_key_is_refused(there: StandIn) -> None:
    there.refuse(
        "@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@\n"
        "Host key verification failed.\n"
    )
    said = refused(there)
    known = there.folder / "known_hosts"
    assert said.startswith(f"{WHERE}: its host key is not the one of {known}: ")
    assert "compare the key before you change that file" in said


@pytest.mark.parametrize(
    "text",
    [
        "No ED25519 host key is known for board.example and you have requested strict checking.\n"
        "Host key verification failed.\n",
        "Host key verification failed.\r\n",
    ],
)
def test_an_unknown_host_key_is_refused(there: StandIn, text: str) -> None:
    there.refuse(text)
    known = there.folder / "known_hosts"
    assert f"{WHERE}: its host key is not in {known}; add it with ssh-keyscan" in refused(there)


def test_a_key_that_it_does_not_know_is_named(there: StandIn) -> None:
    there.refuse("somebody@board.example: Permission denied (publickey).\n")
    identity = there.folder / "identity"
    assert refused(there) == f"{WHERE}: it refuses the key {identity} for user somebody"


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("ssh: connect to host board.example port 2222: Connection refused\r\n", None),
        ("one\nssh: Could not resolve hostname board.example: Name or service not known\n", None),
        ("", "ssh ended"),
    ],
)
def test_a_machine_that_is_off_is_named(there: StandIn, text: str, last: str | None) -> None:
    there.refuse(text)
    expected = last or text.splitlines()[-1]
    assert refused(there) == f"{WHERE}: cannot be reached: {expected}"
    # At first it is not tried again.
    assert len(there.masters) == 1


def test_a_client_that_is_not_installed_is_named(
    there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without setpriv, which would be what is found and does not find ssh.
    monkeypatch.setenv("PATH", str(there.folder / "home"))
    assert refused(there) == "ssh: not installed; Debian's package is openssh-client"


def test_a_command_that_fails_is_told_by_its_last_line(there: StandIn) -> None:
    with connection(there) as mine:
        with pytest.raises(ColonnadeError) as caught:
            mine.checked("put", "0" * 64, stdin=b"else")
        assert str(caught.value) == f"{WHERE}: put: what came is not what was sent"
        answer = mine.call("put", "0" * 64, stdin=b"else")
    assert (answer.status, answer.stdout) == (3, b"")
    assert list((there.home / "ours/store").iterdir()) == []


def test_a_command_that_fails_without_a_word_is_told_too(there: StandIn) -> None:
    there.on("hello", "exit 7")
    with connection(there) as mine, pytest.raises(ColonnadeError) as caught:
        mine.checked("hello")
    assert str(caught.value) == f"{WHERE}: hello: "


@pytest.mark.parametrize("text", ["No space left on device", "Disk quota exceeded"])
def test_a_full_board_is_told(there: StandIn, text: str) -> None:
    there.on("put", f"echo 'cat: write error: {text}' >&2", "exit 1")
    with connection(there) as mine, pytest.raises(ColonnadeError) as caught:
        mine.call("put", "0" * 64, stdin=b"x")
    assert str(caught.value) == f"{WHERE}: ours: no space left there"
    assert not isinstance(caught.value, LostConnectionError)


def test_a_program_that_there_is_not_is_named(there: StandIn) -> None:
    few = there.folder / "few"
    few.mkdir()
    for name in ("sh", "setsid", "cat", "chmod", "date", "find"):
        path = shutil.which(name)
        assert path is not None
        (few / name).symlink_to(path)
    there.on("hello", f"PATH={few}")
    with connection(there) as mine, pytest.raises(ColonnadeError) as caught:
        mine.checked("hello")
    assert str(caught.value) == f"{WHERE}: flock: no such program there; it is needed"
    assert list(there.home.iterdir()) == []


@pytest.mark.parametrize("lost", ["exit 255", "kill -9 $$"])
def test_a_lost_connection_is_made_again_and_the_command_repeated(
    there: StandIn, lost: str
) -> None:
    there.on("hello", "once", "cut", lost)
    with connection(there) as mine:
        assert mine.checked("hello").decode() == f"{os.uname().machine}\n"
    assert there.commands == ["hello", "hello"]
    assert len(there.masters) == 2


def test_a_connection_that_ended_between_commands_is_made_again(there: StandIn) -> None:
    with connection(there) as mine:
        assert mine._master is not None
        mine._master.kill()
        mine._master.wait()
        mine.checked("hello")
        assert mine._master.poll() is None
    assert there.commands == ["hello"]
    assert len(there.masters) == 2


def test_a_socket_that_is_gone_is_no_answer(there: StandIn) -> None:
    """The client makes no connection of its own beside the one that is lost."""
    with connection(there, reconnect_s=0) as mine:
        mine._socket.unlink()
        with pytest.raises(LostConnectionError, match=r"was lost \(Control socket connect"):
            mine.call("hello")
    assert there.commands == []


def test_a_connection_that_stays_lost_is_told(there: StandIn) -> None:
    there.on("hello", "cut", f"echo gone >{there.folder}/refusal", "exit 255")
    with connection(there, reconnect_s=0.05) as mine, pytest.raises(LostConnectionError) as caught:
        mine.checked("hello")
    assert str(caught.value) == (
        f"{WHERE}: the connection was lost (gone); a job there goes on, and the same command again"
        " takes what it found"
    )
    # It was tried again meanwhile, and the command did not arrive once more.
    assert len(there.masters) > 2
    assert there.commands == ["hello"]


def test_a_refusal_while_it_connects_again_is_told_at_once(there: StandIn) -> None:
    """Another machine at the same address is not waited for."""
    text = "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"
    there.on("hello", "cut", f"echo '{text}' >{there.folder}/refusal", "exit 255")
    with connection(there) as mine, pytest.raises(ColonnadeError, match="it is another machine"):
        mine.checked("hello")
    assert len(there.masters) == 2


def test_a_connection_that_was_not_entered_is_made_by_the_first_command(there: StandIn) -> None:
    mine = connection(there)
    assert there.masters == []
    assert mine.checked("missing") == b""
    mine.__exit__()
    assert len(there.masters) == 1
    assert not Path(mine._socket).exists()
