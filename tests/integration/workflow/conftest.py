"""The whole workflow for real, on small inputs.

A copy of the checkout is run with a network of 32 px images and two schedules per convolution; it takes
toolchain and kernels from this checkout where they are built already.
"""

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from colonnade.container import Container

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
# A convolution of the network.
CONV = "n1c64h8w8-o64-k3x3-s1-p1-d1"
COPIED = ("Snakefile", "config", "containers", "kernels", "workflow")
PHASE = {"epochs": 1, "batch_size": 16, "optimizer": {"name": "adamw", "lr": 1e-3}}
SMALL = {
    "seed": 7,
    "data": {"name": "imagenet", "path": "images", "image_px": 32, "workers": 0},
    "training": {"threads": 1, "dense": PHASE, "finetune": PHASE},
    "pruning": {"patterns": [{"n": 1, "m": 4}, {"m": "full", "sparsity": 0.5}]},
    "profile": {
        **{
            "tiles": [6, 15],
            "lmuls": [2],
            "strips": [1],
            "parts": 2,
            "margin_percent": 100,
            "audit": 1,
        },
        "cache": "profile.sqlite",
    },
    "throughput": {"image_px": 32},
    "nightly": {"allowed_slowdown_percent": 0},
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
        "recipe_sparsity": 0.5,
        "tiles": [],
        "recipes": {},
    },
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

    def command(self, **replaced: str) -> list[str]:
        """Its `colonnade` command, with other values of some arguments."""
        words = shlex.split(self.shell.split(" 2>")[0])
        return [replaced.get(word, word) for word in words]


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
            [str(BIN / command[0]), *command[1:]],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            preexec_fn=prepare,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The caller's, with the programs of this Python first."""
        return {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}

    def workflow(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run snakemake with the small configuration."""
        return self.command("snakemake", *self.arguments(*arguments), **environment)

    @staticmethod
    def arguments(*arguments: str) -> list[str]:
        return [*arguments, "--profile", "workflow/profiles/default", "--configfile", "small.yaml"]

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
    """Every run is repeated for each core of the band: two show that it works."""
    description = json.loads(band.read_text())
    description["variants"] = description["variants"][:2]
    band.write_text(json.dumps(description))


@pytest.fixture(scope="session")
def fresh(toolchain: Container, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which nothing but the toolchain, and kernels if there are any, is built."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, checkout / name)
    (checkout / ".colonnade").symlink_to(ROOT / ".colonnade")
    for built in ("toolchain", "build/riscv64", "build/host", "build/timing"):
        if (ROOT / "results" / built).is_dir():
            shutil.copytree(ROOT / "results" / built, checkout / "results" / built)
    keep_two_cores(checkout / "kernels/timing/bands/x60.json")
    write_images(checkout / "images")
    (checkout / "small.yaml").write_text(yaml.safe_dump(SMALL))
    return checkout


@pytest.fixture(scope="session")
def finished(fresh: Checkout) -> Checkout:
    """The checkout after a full run."""
    run = fresh.workflow("full-run")
    assert run.returncode == 0, run.stdout[-6000:]
    return fresh
