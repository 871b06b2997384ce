# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the release image is built from, with stand-ins for the engine and for pip."""

import re
import tarfile
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import release
from colonnade.container.image import Image
from colonnade.container.progress import BuildLog
from colonnade.container.release import build_release, python_version
from colonnade.container.sdk import SdkEngine

from ..conftest import git

ROOT = Path(__file__).resolve().parents[3]
PINS = "".join(f"{name} \\\n    --hash=sha256:0\n" for name in ("first==1", "torch==2", "last==3"))
IMAGE = Image(
    engine="docker", reference="toolchain:1", digest="sha256:0", recipe="", packages={}, compilers={},
    qemu="",
)  # fmt: skip


class Taking(SdkEngine):
    """Keeps what an image would be built from."""

    name = "docker"
    packages = "docker.io"
    address_option = "--host"

    def address(self) -> str:
        raise NotImplementedError

    def build(self, root: Path) -> Image:
        return IMAGE

    def build_release(
        self, context: Path, tag: str, stated: dict[str, str], toolchain: str, log: BuildLog
    ) -> str:
        self.files = {
            path.relative_to(context).as_posix(): path.read_bytes()
            for path in context.rglob("*")
            if path.is_file()
        }
        with tarfile.open(context / "source.tar") as archive:
            self.sources = {member.name for member in archive if member.isfile()}
        self.given = (tag, stated, toolchain)
        return "sha256:1"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A commit with what the image is made from."""
    folder = tmp_path / "containers/release"
    folder.mkdir(parents=True)
    for path in (ROOT / "containers/release").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (tmp_path / "requirements.txt").write_text(PINS)
    git("init", "-q", folder=tmp_path)
    git("add", ".", folder=tmp_path)
    git("commit", "-q", "-m", "First", folder=tmp_path)
    (tmp_path / ".colonnade").mkdir()
    return tmp_path


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lists that pip was to fetch; none that has a word of CUDA or of the CPU is there."""
    lists: list[str] = []

    def fetch(command: list[str]) -> None:
        if "pip" in command:
            lists.append(Path(command[-1]).read_text())
            Path(command[command.index("--dest") + 1], "one.whl").write_text("")
        else:
            run(command)

    run = release._run
    monkeypatch.setattr(release, "_run", fetch)
    return lists


def test_an_image_has_the_files_of_its_commit(checkout: Path, fetched: list[str]) -> None:
    (checkout / "requirements-cpu.txt").write_text("\n")
    (checkout / "not committed").touch()
    engine = Taking()
    assert build_release(engine, checkout, "name:1", "0.1", "HEAD") == "sha256:1"
    assert engine.sources == {
        *(f"containers/release/{path.name}" for path in (ROOT / "containers/release").iterdir()),
        "requirements.txt",
    }
    tag, stated, toolchain = engine.given
    assert (tag, toolchain) == ("name:1", IMAGE.reference)
    assert stated["org.opencontainers.image.revision"] == "HEAD"
    assert Image.model_validate_json(engine.files["image.json"]) == IMAGE
    # Nothing that the Dockerfile copies is missing.
    dockerfile = engine.files["Dockerfile"].decode()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, flags=re.M)
    assert len(copied) == 4
    for name in " ".join(copied).split():
        assert any(file == name or file.startswith(f"{name}/") for file in engine.files), name


def test_packages_are_those_of_the_environment(checkout: Path, fetched: list[str]) -> None:
    (checkout / "requirements-cpu.txt").write_text("\n")
    build_release(Taking(), checkout, "name:1", "0.1", "HEAD")
    (without,) = fetched
    assert re.findall(r"^\w+", without, flags=re.M) == ["first", "last"]
    assert without.count("--hash") == 2


def test_without_a_small_pytorch_the_large_one_is_taken(checkout: Path, fetched: list[str]) -> None:
    (checkout / "requirements-cuda.txt").write_text("nvidia==1\n")
    build_release(Taking(), checkout, "name:1", "0.1", "HEAD")
    assert fetched == [PINS, "nvidia==1\n"]


def test_the_python_is_one_that_pytorch_without_cuda_is_locked_for(tmp_path: Path) -> None:
    minor = python_version(ROOT).removeprefix("3.")
    assert f"python=3.{minor}" in (ROOT / "workflow/envs/colonnade.yaml").read_text()
    (tmp_path / "containers/release").mkdir(parents=True)
    (tmp_path / "containers/release/versions.env").write_text("PYTHON=2.7\n")
    with pytest.raises(ColonnadeError, match=r"versions\.env: PYTHON: no such line"):
        python_version(tmp_path)


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(ColonnadeError, match=r"sh -c .*: exit status 3\nwhy"):
        release._run(["sh", "-c", "echo why >&2; exit 3"])
