# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Every command of the documentation, typed in a new user's shell.

Commands run for real on the small configuration of the copied checkout. Those whose files or hours a
test does not have are planned on the real one: Snakemake reads what they name and says what it would run.
Those that check the project itself are what runs this.
"""

import itertools
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from PIL import Image
from sklearn.datasets import load_sample_image

from .conftest import ROOT, Checkout

DOCUMENTS = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "config/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
)
PROGRAMS = ("make", "snakemake", "colonnade")
# Languages of blocks that are typed.
SHELL = ("", "sh")
# Lines of a session that only prepare the next ones.
PREPARATION = ("export", "cd")
ACTIVATE = ". .venv/bin/activate"
# `make test` is what runs this, and the others are its parts, hours long, or of a commit.
RUNNING = "make test"
CHECKS = {
    *(RUNNING, "make check", "make dev", "make docs"),
    *("make format", "make fuzz-nightly", "make tidy", "make coverage"),
    *("make kill-nightly", "make engine-nightly", "make board-nightly"),
    *("make networks-nightly", "make release", "make image"),
}
# What developers type beside these, in a checkout with its tests.
TOOLS = {
    "pre-commit install",
    "pytest -n auto tests/unit",
    "pytest -n auto tests/integration",
    "pytest tests/unit/config/test_config.py -k target",
    "pytest tests/unit/pruning",
    "python workflow/envs/lock.py",
}
# Of what is typed: ImageNet and a GPU, hours of training, large networks, all kernels for other machines.
PLANNED = {
    "snakemake full-run --config target=host results=results/host-resnet18",
    "snakemake tuner-quality --config target=host results=results/host-tuner",
    "snakemake full-run --configfile config/default.yaml config/imagenet.yaml",
    "snakemake kernel-figures --configfile config/default.yaml config/resnet50.yaml",
    "snakemake full-run --configfile config/default.yaml config/textures.yaml",
    "snakemake paper-figures --config profile.trials=4 results=results/paper",
    "snakemake accuracy-study --configfile config/default.yaml config/more-images.yaml",
    "snakemake tile-curve --configfile config/default.yaml config/tile-curve.yaml",
    "snakemake host-comparison",
    "snakemake dense-baselines",
    "snakemake kernels_host",
    "snakemake kernels_aarch64",
    "snakemake photographs",
    "snakemake wheel",
}

# Those that need a board, which test_board.py has.
BOARD = re.compile(r"colonnade board|.*target[ =]board\b")


def sessions(document: Path) -> Iterator[str]:
    """What is typed by the document: code blocks, and single commands within sentences."""
    for token in MarkdownIt("commonmark").enable("table").parse(document.read_text()):
        if token.type in ("code_block", "fence") and token.info in SHELL:
            yield token.content
        for child in token.children or ():
            words = child.content.split()
            if child.type == "code_inline" and len(words) > 1 and words[0] in PROGRAMS:
                yield child.content


def commands(session: str) -> Iterator[str]:
    """The commands of a session, each with the lines that prepare it, bar activation."""
    prepared: list[str] = []
    for line in session.replace("\\\n", "").splitlines():
        command = " ".join(re.sub(r"(^|\s)#.*", "", line).split())
        if command in ("", ACTIVATE):
            continue
        if command.split()[0] in PREPARATION:
            prepared.append(command)
        else:
            yield "\n".join([*prepared, command])


DOCUMENTED = list(
    dict.fromkeys(
        command
        for document in DOCUMENTS
        for session in sessions(document)
        for command in commands(session)
    )
)


def test_readme_has_the_commands_of_its_users() -> None:
    targets = re.findall(r'^        "([a-z-]+)",?$', (ROOT / "Snakefile").read_text(), re.MULTILINE)
    assert len(targets) >= 7
    typed = {line for command in DOCUMENTED for line in command.splitlines()}
    assert {f"snakemake {target}" for target in targets} <= {
        " ".join(line.split()[:2]) for line in typed
    }
    assert {"make full-run", *CHECKS, *TOOLS, *PLANNED} <= typed
    # No option can be typed by mistake for a command.
    others = {command for command in DOCUMENTED if command not in TOOLS}
    assert all(command.splitlines()[-1].split()[0] in PROGRAMS for command in others)


@contextmanager
def planning(checkout: Checkout, *, configured: bool) -> Iterator[None]:
    """Make Snakemake plan instead of run, by its profile: what is typed stays the same.

    The user's files that config/imagenet.yaml names are there. What is `configured` on the command line
    has a folder of its own, and is planned on the default configuration. All is planned, also what
    another test made before.
    """
    weights, folder = checkout / "weights/resnet50.pth", checkout / "imagenet"
    weights.parent.mkdir(exist_ok=True)
    weights.touch()
    if not folder.exists():
        folder.symlink_to("images")
    profile, default = checkout / "profiles/default/config.yaml", checkout / "config/default.yaml"
    before = {file: file.read_text() for file in (profile, default)}
    profile.write_text(f"{before[profile]}\ndry-run: true\nforceall: true\n")
    if configured:
        default.write_text((ROOT / "config/default.yaml").read_text())
    try:
        yield
    finally:
        for file, text in before.items():
            file.write_text(text)


@pytest.fixture(scope="session")
def equipped(finished: Checkout, build_part: Callable[[str], Path]) -> Checkout:
    """With a photograph of the user's, and programs for this machine, which take long to build."""
    built, folder = build_part("host"), finished / "results/build/host"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("libcolonnade.so", "colonnade-run", "colonnade-bench"):
        shutil.copy2(built / name, folder / name)
    Image.fromarray(load_sample_image("china.jpg")).save(finished / "photo.jpg")
    return finished


@pytest.mark.parametrize(
    "command",
    [c for c in DOCUMENTED if c not in PLANNED | CHECKS | TOOLS and not BOARD.match(c)],
    ids=repr,
)
def test_documented_command_works_as_typed(equipped: Checkout, command: str) -> None:
    script = command if command.startswith("make ") else f"{ACTIVATE}\n{command}"
    run = equipped.shell(script)
    assert run.returncode == 0, run.stdout[-6000:]
    assert "Traceback" not in run.stdout


def test_documented_python_works_as_typed(equipped: Checkout) -> None:
    """After the commands that make what it loads."""
    (code,) = (
        token.content
        for token in MarkdownIt("commonmark").parse((ROOT / "README.md").read_text())
        if token.type == "fence" and token.info == "python"
    )
    assert len(code.splitlines()) == 4
    run = equipped.shell(f"{ACTIVATE}\npython - <<'END'\n{code}END")
    assert run.returncode == 0, run.stdout[-6000:]
    assert run.stdout.strip().isdigit()


@pytest.mark.parametrize("command", sorted(PLANNED))
def test_documented_command_is_planned_as_typed(fresh: Checkout, command: str) -> None:
    with planning(fresh, configured="--config" in command):
        run = fresh.shell(f"{ACTIVATE}\n{command}")
    assert run.returncode == 0, run.stdout[-6000:]
    assert "This was a dry-run" in run.stdout


@pytest.mark.parametrize("command", sorted(CHECKS))
def test_documented_check_is_a_target(finished: Checkout, command: str) -> None:
    run = finished.shell(f"{command} --dry-run")
    assert run.returncode == 0, run.stdout[-6000:]


@pytest.mark.parametrize("command", sorted(TOOLS))
def test_documented_tool_is_in_the_environment(command: str) -> None:
    program, *arguments = command.split()
    assert shutil.which(program, path=str(Path(sys.executable).parent))
    assert all((ROOT / each).exists() for each in arguments if "/" in each)


def test_make_test_is_what_ci_runs(finished: Checkout) -> None:
    run = finished.shell(f"{RUNNING} --dry-run")
    assert run.returncode == 0, run.stdout
    steps = ("ruff check", "ruff format", "snakefmt", "snakemake --lint", "mypy", "pytest")
    places = [run.stdout.find(step) for step in steps]
    assert -1 not in places
    assert all(before < after for before, after in itertools.pairwise(places))
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == RUNNING


@pytest.mark.parametrize("profile", sorted(path.name for path in (ROOT / "profiles").iterdir()))
def test_every_profile_plans_a_run(fresh: Checkout, profile: str) -> None:
    run = fresh.shell(
        f"{ACTIVATE}\nsnakemake --workflow-profile profiles/{profile} -n --forceall full-run"
    )
    assert run.returncode == 0, run.stdout[-6000:]
    assert "This was a dry-run" in run.stdout
    if profile == "slurm":
        # Jobs that use what they are given are given a profile's number of CPUs, not one.
        assert "threads: 8" in run.stdout
        assert "mem_mb=6400" in run.stdout
