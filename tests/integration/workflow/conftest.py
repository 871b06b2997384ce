# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The whole workflow for real, on small inputs.

A copy of the checkout, with an environment of its own, is run as README says, in a clean shell. Its
default configuration is a small one, with 32 px images and two schedules per convolution; it takes
toolchain and kernels from this checkout.
"""

import csv
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from PIL import Image
from snakemake.utils import update_config

from ...conftest import Once

ROOT = Path(__file__).resolve().parents[3]
# A SqueezeNet, with constants in the place of its weights.
NETWORK = Path(onnx.__file__).parent / "backend/test/data/light/light_squeezenet.onnx"
# A convolution of the network.
CONV = "n1c64h8w8-o64-k3x3-s1-p1-d1"
COPIED = (
    *("Makefile", "Snakefile", "README.md", "pyproject.toml", "setup.py", "requirements.txt"),
    *("requirements-cpu.txt", "requirements-cuda.txt", "ARTIFACT.md"),
    *("config", "containers", "kernels", "profiles", "workflow"),
)
# They build from declared sources, in minutes; tests/unit/workflow/test_versions.py lists all rules.
BUILDS = {"toolchain", "kernels_riscv64", "timing_model"}
# How often the full run is killed; `make kill-nightly` does it more often. When it was, says a file,
# and another what `colonnade verify` found in what the run left, before any test changed it.
KILLS = int(os.environ.get("COLONNADE_KILLS", "3"))
KILLED = "killed.txt"
VERIFIED = "verified.json"
# What a new user's shell has, beside a home folder.
CLEAN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PHASE = {
    "epochs": 1,
    "batch_size": 16,
    "optimizer": {"name": "adamw", "lr": 1e-3},
    "schedule": {"name": "cosine", "warmup_epochs": 0},
}
SMALL = {
    "seed": 7,
    "data": {"name": "imagenet", "path": "images", "image_px": 32, "workers": 0},
    "training": {"threads": 1, "dense": PHASE, "finetune": PHASE},
    "pruning": {"patterns": [{"n": 1, "m": 4}, {"m": "full", "sparsity": 0.5}]},
    "profile": {
        **{
            "tiles": [6, 15],
            "lmuls": [2],
            "panels": [1],
            "kc_splits": 2,
            "margin_percent": 100,
            "minutes": 3,
            "audit": 1,
        },
        "cache": "profile.sqlite",
    },
    "throughput": {"image_px": 32},
    "nightly": {
        "allowed_slowdown_percent": 0,
        "matrix": {
            **{"networks": ["mobilenet_v2"], "targets": ["x60"], "image_px": 32},
            **{"threads": [1], "dtypes": ["f32"]},
        },
    },
    "study": {
        "data": {
            "name": "textures",
            "classes": 2,
            "train_per_class": 10,
            "test_per_class": 2,
            "image_px": 32,
        },
        "training": {"threads": 1, "precision": "bfloat16", "dense": PHASE, "finetune": PHASE},
        "seeds": [1],
        "sparsities": [0.5],
        "methods_at": [0.5],
        "recipe_sparsity": 0.5,
        "tiles": [6],
        "groups": [4],
        "recipes": {},
        "everywhere": [],
        "candidates": {"gentle": PHASE},
    },
    "small_study": {
        "data": {
            "name": "textures",
            "classes": 3,
            "train_per_class": 10,
            "test_per_class": 2,
            "image_px": 32,
        },
        "training": {"threads": 1, "dense": PHASE, "finetune": PHASE},
        # Solving what is kept takes the cube of how much that is.
        "sparsity": 0.75,
        "recipes": {
            "repaired-untrained": {"repair": {"images": 8}, "train": False},
            "masked-untrained": {"train": False},
        },
    },
    # Its convolutions are those of the full run.
    "figures": {"networks": ["resnet18"], "sparsities": [0.5]},
    "budget": {"speedups": [1.1], "allowed_drop_points": 100},
}


@dataclass(frozen=True)
class Job:
    """A job as a dry run tells it."""

    rule: str
    inputs: list[str]
    outputs: list[str]
    log: str
    shell: str

    @classmethod
    def parse(cls, block: str) -> "Job":
        """Read what a dry run says of a job, from the name of its rule on."""
        said = dict(re.findall(r"^(?:    )?([a-zA-Z ]+): (.*)$", block, flags=re.M))
        files = {key: said[key].split(", ") if key in said else [] for key in ("input", "output")}
        name = block.split(":", 1)[0]
        return cls(
            name, files["input"], files["output"], said.get("log", ""), said["Shell command"]
        )

    @property
    def is_ours(self) -> bool:
        """Whether it is a `colonnade` command, before which variables may be set."""
        return re.match(r"(\w+=\S+ )*colonnade ", self.shell) is not None

    def command(self, **replaced: str) -> list[str]:
        """Its `colonnade` command, with other values of some arguments."""
        words = shlex.split(self.shell.split(" 2>")[0])
        begin = words.index("colonnade")
        return [replaced.get(word, word) for word in words[begin:]]


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository in which the workflow runs."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def command(
        self, *command: str, prepare: Callable[[], None] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment; both output streams come as `stdout`."""
        return subprocess.run(
            [str(self.programs / command[0]), *command[1:]],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            preexec_fn=prepare,
        )

    @property
    def programs(self) -> Path:
        """Folder of the environment's programs."""
        return self / ".venv/bin"

    @property
    def environment(self) -> dict[str, str]:
        """The caller's, with the programs of the checkout's environment first."""
        inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return {**inherited, "PATH": f"{self.programs}:{os.environ['PATH']}"}

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Type a script in a new user's shell, in the checkout."""
        home = self.folder.with_name(f"{self.folder.name}-home")
        home.mkdir(exist_ok=True)
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env={"HOME": str(home), "PATH": CLEAN_PATH},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def workflow(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run snakemake."""
        return self.command("snakemake", *arguments, **environment)

    def jobs(self, *arguments: str) -> list["Job"]:
        """What the workflow would do from scratch for its targets, and how."""
        run = self.workflow(*arguments, "-n", "--forceall")
        assert run.returncode == 0, run.stdout[-4000:]
        blocks = re.split(r"^(?:local)?rule ", run.stdout.split("\nJob stats:")[-2], flags=re.M)
        return [Job.parse(block) for block in blocks[1:]]

    def job(self, output: str) -> "Job":
        """The job that makes a file."""
        (found,) = [job for job in self.jobs(output) if output in job.outputs]
        return found

    def table(self, name: str) -> list[dict[str, str]]:
        """Rows of a table of the results."""
        with (self / f"results/tables/{name}.csv").open() as stream:
            return list(csv.DictReader(stream))


def write_images(folder: Path) -> None:
    """Three classes of noise around different greys, in ImageNet's layout."""
    rng = np.random.default_rng(7)
    for split, count in (("train", 12), ("val", 4)):
        for level, name in ((60, "dark"), (128, "grey"), (200, "light")):
            (folder / split / name).mkdir(parents=True)
            for index in range(count):
                pixels = rng.normal(level, 20, (40, 40, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{index}.png")


def keep_two_cores(band: Path) -> None:
    """Every run is repeated for each core of the band: two show that it works, one of them tuned for."""
    description = json.loads(band.read_text())
    description["variants"] = description["variants"][:2]
    del description["sample"]
    description["retuned"] = [description["variants"][1]["name"]]
    band.write_text(json.dumps(description))


def keep_two_shapes(shapes: Path) -> None:
    """Of the shapes that README measures, the last two."""
    before = shapes.stat()
    shapes.write_text("".join(shapes.read_text().splitlines(keepends=True)[-2:]))
    # Kernels that are built already stay up to date.
    os.utime(shapes, ns=(before.st_atime_ns, before.st_mtime_ns))


def keep_one_value(fit: Path) -> None:
    """Of the parameters that are fitted, one with the value that it has."""
    description = json.loads(fit.read_text())
    path, values = description["parameters"][0].values()
    core = json.loads((ROOT / description["core"]).read_text())
    section, key = path.split(".")
    assert core[section][key] in values
    description["parameters"] = [{"path": path, "values": [core[section][key]]}]
    fit.write_text(json.dumps(description))


def link(source: str, target: str) -> None:
    """A second name for a file, or a copy on another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout with its environment, whose programs still name the original.

    Its path has a space and a letter beyond ASCII.
    """
    checkout = Checkout(tmp_path_factory.mktemp("Stand für Prüfung"))
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, checkout / name)
    shutil.copytree(
        (ROOT / ".venv").resolve(), checkout / ".venv", symlinks=True, copy_function=link
    )
    return checkout


@pytest.fixture(scope="session")
def fresh(riscv64_programs: Path, timing_model: None, copied: Checkout) -> Checkout:
    """A checkout in which nothing but the toolchain and the kernels for RISC-V are built."""
    checkout = copied
    elsewhere = str(checkout.folder.with_name("elsewhere"))
    made = subprocess.run(
        ["make", "env"],
        cwd=checkout.folder,
        # Settings of pip that send packages elsewhere, and packages of another Python.
        env={
            **os.environ,
            **dict.fromkeys(("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONPATH"), elsewhere),
            **dict.fromkeys(("PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_REQUIRE_HASHES"), "1"),
        },
        umask=0o077,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout[-4000:]
    (checkout / ".colonnade").symlink_to(ROOT / ".colonnade")
    for built in ("toolchain", "build/riscv64", "build/timing"):
        shutil.copytree(ROOT / "results" / built, checkout / "results" / built)
    keep_two_cores(checkout / "kernels/timing/bands/x60.json")
    keep_two_shapes(checkout / "kernels/bench/resnet50.txt")
    keep_one_value(checkout / "kernels/timing/fits/x60.json")
    write_images(checkout / "images")
    # A network of the user's.
    shutil.copy2(NETWORK, checkout / "net.onnx")
    default = checkout / "config/default.yaml"
    values = yaml.safe_load(default.read_text())
    update_config(values, SMALL)
    default.write_text(yaml.safe_dump(values, sort_keys=False))
    return checkout


def start(checkout: Checkout, *arguments: str) -> subprocess.Popen[bytes]:
    """Run snakemake in a session of its own, so that a kill can take everything with it."""
    return subprocess.Popen(
        [str(checkout.programs / "snakemake"), *arguments],
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill(
    process: subprocess.Popen[bytes], reached: Callable[[], bool], seconds: float, *, jobs: bool
) -> bool:
    """Kill a run so many seconds after it reached something; False if it was over before."""
    try:
        while process.poll() is None and not reached():
            time.sleep(0.05)
        time.sleep(seconds)
    finally:
        alive = process.poll() is None
        if alive:
            # All of it, as a power cut does; or only Snakemake itself: its jobs outlive it.
            (os.killpg if jobs else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
    assert alive or process.returncode == 0, "failed before it could be killed"
    return alive


def run_and_kill(checkout: Checkout, kills: int, seed: int) -> Iterator[str]:
    """A full run from its start, killed at moments drawn from all of it; when each was."""
    jobs = [job for job in checkout.jobs("full-run") if job.outputs and job.rule not in BUILDS]
    # Its checkpoints are deleted once they are judged.
    jobs = [job for job in jobs if job.rule != "small_study_finetune"]
    assert {job.rule for job in jobs} >= {"train", "prune", "profile", "evaluate", "throughput"}
    rng = random.Random(seed)
    for killed, moment in enumerate(sorted(rng.randrange(len(jobs)) for _ in range(kills))):
        # From Snakemake's own start to the end of a job.
        seconds = rng.uniform(0, 3)
        while not kill(
            start(checkout, "full-run"),
            lambda moment=moment: done(checkout, jobs) >= moment,
            seconds,
            jobs=killed % 2 == 0,
        ):
            # The last jobs were faster: the page is made once more.
            (checkout / "results/report.html").unlink()
        yield f"{seconds:.1f} s after {moment} of {len(jobs)} jobs"


def done(checkout: Checkout, jobs: Sequence[Job]) -> int:
    """How many jobs have all they make."""
    return sum(all((checkout / name).exists() for name in job.outputs) for job in jobs)


@pytest.fixture(scope="session")
def finished(fresh: Checkout, once: Once, shared: Path) -> Checkout:
    """The checkout after a full run that was killed; one worker does it, the others take what it left."""
    kept = shared / "after a full run"

    def full_run() -> None:
        killed = [f"{moment}\n" for moment in run_and_kill(fresh, KILLS, seed=1)]
        (fresh / KILLED).write_text("".join(killed))
        run = fresh.shell("make full-run")
        assert run.returncode == 0, "".join([*killed, run.stdout[-6000:]])
        verified = fresh.shell(". .venv/bin/activate; colonnade verify results")
        (fresh / VERIFIED).write_text(json.dumps([verified.returncode, verified.stdout]))
        # What is built each checkout has.
        built = shutil.ignore_patterns("build", "toolchain")
        for name in ("results", ".snakemake"):
            shutil.copytree(fresh / name, kept / name, ignore=built)
        for name in (SMALL["profile"]["cache"], KILLED, VERIFIED):
            shutil.copy2(fresh / name, kept)

    once("full run", full_run)
    if not (fresh / "results/report.html").exists():
        shutil.copytree(kept, fresh.folder, dirs_exist_ok=True)
    return fresh
