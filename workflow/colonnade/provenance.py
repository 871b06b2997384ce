"""Where the numbers of a run come from: code, image, compilers, packages, CPU, seeds, configuration."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path

from colonnade.config import Config
from colonnade.files import read_json, write_json


def _git(*arguments: str) -> str | None:
    result = subprocess.run(("git", *arguments), capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else None


def cpu_model() -> str:
    """What this machine's CPU calls itself."""
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def write_provenance(config: Config, image_file: Path, target: Path) -> None:
    """Write `provenance.json`. Outside a git checkout `git_commit` is null."""
    image = read_json(image_file)
    status = _git("status", "--porcelain")
    packages = sorted(
        (str(dist.metadata["Name"]), dist.version) for dist in importlib.metadata.distributions()
    )
    write_json(
        target,
        {
            "git_commit": _git("rev-parse", "HEAD"),
            "dirty": None if status is None else bool(status),
            "image": {key: image[key] for key in ("engine", "reference", "digest")},
            "qemu": image["qemu"],
            "compilers": image["compilers"],
            "image_packages": image["packages"],
            "python": platform.python_version(),
            "python_packages": dict(packages),
            "cpu": cpu_model(),
            "seeds": {
                "run": config.seed,
                "profile": config.profile.seed,
                "split": config.data.split_seed,
            },
            "config_sha256": config.digest(),
        },
    )
