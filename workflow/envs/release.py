# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Make the files of a release from the commit that is checked out, the same bytes every time.

    python workflow/envs/release.py FOLDER WHEEL

FOLDER gets the source archive, the source distribution, the WHEEL that `snakemake wheel` built of the
same commit, `zenodo.json` (what Zenodo asks of a deposit, from `CITATION.cff`) and `SHA256SUMS`. A tag
`v*` of the commit has to be that of the version in `pyproject.toml`; changes that are not committed are
refused.
"""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import yaml

NAME = "colonnade"
BUILD = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"


def main() -> None:
    """Write the release into the folder that the command line names."""
    if len(sys.argv) != 3:
        sys.exit("usage: release.py FOLDER WHEEL")
    folder, wheel = map(Path, sys.argv[1:])
    if changed := git("status", "--porcelain"):
        sys.exit(f"error: changes that are not committed:\n{changed}")
    version = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]["version"]
    tags = git("tag", "--points-at", "HEAD", "--list", "v*").split()
    if tags and f"v{version}" not in tags:
        sys.exit(f"error: version: {version} in pyproject.toml; tag here: {', '.join(tags)}")
    if not wheel.name.startswith(f"{NAME}-{version}-"):
        sys.exit(f"error: {wheel}: not of version {version}; `snakemake wheel` builds one")
    when = int(git("log", "-1", "--format=%ct"))
    folder.mkdir(parents=True, exist_ok=True)
    files = [
        folder / f"{NAME}-{version}-source.tar.gz",
        folder / f"{NAME}-{version}.tar.gz",
        folder / "zenodo.json",
        folder / wheel.name,
    ]
    archive = git_bytes("archive", "--format=tar", f"--prefix={NAME}-{version}/", "HEAD")
    files[0].write_bytes(packed(archive, when))
    files[1].write_bytes(packed(source_distribution(archive, f"{NAME}-{version}", when), when))
    files[2].write_text(json.dumps(deposit(version), indent=2) + "\n")
    files[3].write_bytes(wheel.read_bytes())
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / "SHA256SUMS").write_text("".join(sums))
    for file in files:
        print(file)
    if not tags:
        print(f"no tag v{version} at this commit: a rehearsal, not a release")


def git(*arguments: str) -> str:
    """What git prints."""
    return git_bytes(*arguments).decode().strip()


def git_bytes(*arguments: str) -> bytes:
    """The same as bytes."""
    return subprocess.run(["git", *arguments], check=True, stdout=subprocess.PIPE).stdout


def source_distribution(archive: bytes, top: str, when: int) -> bytes:
    """What pip builds from, as a tar file: made by setuptools of the files of an archive alone."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        tarfile.open(fileobj=io.BytesIO(archive)) as files,
    ):
        # Python 3.11.4 has filters, and Debian 12's is older; from 3.14 on this one is the default.
        files.extraction_filter = getattr(tarfile, "data_filter", None)
        files.extractall(scratch)
        made = Path(scratch) / "made"
        made.mkdir()
        subprocess.run(
            [sys.executable, "-c", BUILD, str(made)],
            cwd=Path(scratch) / top,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(when)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        (found,) = made.iterdir()
        return gzip.decompress(found.read_bytes())


def packed(archive: bytes, when: int) -> bytes:
    """A tar file compressed, its members in order, all of one time and of nobody in particular."""
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as source,
        gzip.GzipFile(filename="", fileobj=target, mode="wb", mtime=when) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as written,
    ):
        for member in sorted(source.getmembers(), key=lambda each: each.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = when, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            written.addfile(member, source.extractfile(member) if member.isreg() else None)
    return target.getvalue()


def deposit(version: str) -> dict[str, Any]:
    """What Zenodo asks: https://developers.zenodo.org, "Deposit metadata"."""
    cited = yaml.safe_load(Path("CITATION.cff").read_text("utf-8"))
    day = git("log", "-1", "--format=%cd", "--date=format:%Y-%m-%d")
    return {
        "metadata": {
            "upload_type": "software",
            "title": cited["title"],
            "description": f"{cited['title']}. {cited['message']}",
            "creators": [{"name": author["name"]} for author in cited["authors"]],
            "keywords": cited["keywords"],
            "license": cited["license"].lower(),
            "access_right": "open",
            "version": version,
            "publication_date": day,
            "related_identifiers": [
                {
                    "identifier": each["identifiers"][0]["value"],
                    "relation": "isDerivedFrom",
                    "resource_type": "publication-article",
                }
                for each in cited["references"]
            ],
        }
    }


if __name__ == "__main__":
    main()
