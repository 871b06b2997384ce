# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A cluster of our own on loopback: munged, slurmctld, and slurmd for one node, this machine."""

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.installed import PATH, require

COMMANDS = (
    "sacct",
    "sacctmgr",
    "sbatch",
    "scancel",
    "scontrol",
    "sinfo",
    "squeue",
    "srun",
    "sstat",
)
START_SECONDS = 120
MEMORY_MB = 8000


@dataclass
class Cluster:
    """A cluster that runs; its files are in `folder`."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """In which Slurm's commands find it."""
        return {**os.environ, "PATH": f"{self.folder / 'bin'}:{PATH}"}

    def ask(self, *command: str) -> str:
        """What one of Slurm's commands prints."""
        run = subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True
        )
        return run.stdout

    def logs(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in sorted(self.folder.glob("*.log")))


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Run a cluster until the block ends."""
    munged, _ = require("munged"), require("slurmctld")
    folder.mkdir()
    (folder / "munge.key").write_bytes(secrets.token_bytes(128))
    (folder / "munge.key").chmod(0o600)
    (folder / "slurm.conf").write_text(_configuration(folder))
    # None are used, and the other plugin asks systemd for them.
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    # Jobs lose the variables of Slurm, which at most sites has its configuration in /etc.
    for name in (*COMMANDS, "slurmctld", "slurmd"):
        path = folder / "bin" / name
        found = shutil.which(name, path=PATH)
        path.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {found} "$@"\n')
        path.chmod(0o755)
    made = Cluster(folder)
    # Forced: no other user needs to reach the socket.
    munge = [munged, "--foreground", "--force", "--num-threads=2"]
    munge += [f"--key-file={folder / 'munge.key'}", f"--socket={folder / 'munge.socket'}"]
    munge += [f"--pid-file={folder / 'munge.pid'}", f"--seed-file={folder / 'munge.seed'}"]
    with ExitStack() as stack:
        stack.callback(_end_jobs, made)
        stack.enter_context(_running([*munge, f"--log-file={folder / 'munged.log'}"], made))
        stack.enter_context(_running(["slurmctld", "-D", "-i"], made))
        stack.enter_context(_running(["slurmd", "-D"], made))
        deadline = time.monotonic() + START_SECONDS
        while _state(made) != "idle":
            assert time.monotonic() < deadline, made.logs()
            time.sleep(0.2)
        try:
            yield made
        finally:
            made.ask("scancel", f"--user={getpass.getuser()}")


def _end_jobs(made: Cluster) -> None:
    """End what Slurm lost sight of: it finds a job's processes by their parents, which may be gone."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(made.folder / "bin") in process.environ().get("PATH", "").split(":"):
                process.kill()


def _state(made: Cluster) -> str:
    run = subprocess.run(
        ["sinfo", "--noheader", "--format=%t"],
        env=made.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.strip()


@contextmanager
def _running(command: Sequence[str], made: Cluster) -> Iterator[None]:
    name = Path(command[0]).name
    with (made.folder / f"{name}.log").open("ab") as log:
        program = shutil.which(command[0], path=made.environment["PATH"])
        process = subprocess.Popen(
            [str(program), *command[1:]],
            env=made.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        assert process.poll() is None, made.logs()
        yield
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def _configuration(folder: Path) -> str:
    host, user = socket.gethostname().partition(".")[0], getpass.getuser()
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        ports = [int(each.getsockname()[1]) for each in (one, other)]
    values = {
        "ClusterName": "loopback",
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": ports[0],
        "SlurmdPort": ports[1],
        "SlurmUser": user,
        "SlurmdUser": user,
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={folder / 'munge.socket'}",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool",
        "SlurmctldPidFile": folder / "slurmctld.pid",
        "SlurmdPidFile": folder / "slurmd.pid",
        # No control groups are needed: memory is sampled, and who takes more than he asked for is killed.
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "JobAcctGatherType": "jobacct_gather/linux",
        "JobAcctGatherFrequency": "task=1",
        "JobAcctGatherParams": "OverMemoryKill",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        "MpiDefault": "none",
        "MailProg": shutil.which("true"),
        "MinJobAge": 600,
        "KillWait": 2,
        "ReturnToService": 2,
        "SlurmdParameters": "config_overrides",
    }
    lines = [f"{key}={value}" for key, value in values.items()]
    lines.append(f"NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory={MEMORY_MB} State=UNKNOWN")
    lines.append(f"PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP")
    return "\n".join(lines) + "\n"
