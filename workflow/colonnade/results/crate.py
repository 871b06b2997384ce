# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A folder of results as an RO-Crate: its files with their SHA-256, and which command made each.

Its profile is Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow). Beside the crate's metadata
lies `SHA256SUMS`, of the same files and the metadata, as `sha256sum --check` reads it.
"""

import json
import re
import shlex
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import (
    atomic_path,
    read_json,
    read_text,
    sha256_file,
    write_json,
    write_text,
)
from colonnade.common.paths import MADE_WITH, PROVENANCE, SCOPE, SHARED
from colonnade.results.records import CrateGraph, Provenance

METADATA = "ro-crate-metadata.json"
SUMS = "SHA256SUMS"
_RUN = "#run"
_LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
_PROGRAM = "#colonnade"
_SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
_WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    _WORKFLOW_CRATE: "Workflow RO-Crate",
}
_MEDIA = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}


@dataclass(frozen=True)
class Made:
    """A job of a run: its rule, the words of its command, and its files, relative to the checkout."""

    rule: str
    command: Sequence[str]
    inputs: Sequence[str]
    outputs: Sequence[str]
    logs: Sequence[str]


def write_crate(
    folder: Path, jobs: Sequence[Made], made_with: Sequence[Path], version: str
) -> None:
    """Describe a folder of results; what an earlier run left in it keeps the command that made it.

    A folder that has no crate, and nothing that these jobs made, is left as it is.

    Args:
        folder: the results; they have a `provenance.json`.
        jobs: those that the run consists of, up to date before it or not.
        made_with: files of the checkout that the jobs depend on, the Snakefile first; the crate gets
            copies. Copies that only commands of earlier runs read stay as these left them.
        version: Colonnade's.

    Raises:
        ColonnadeError: a file cannot be read or written.
    """
    provenance = read_json(folder / PROVENANCE, Provenance)
    there = set(files_of(folder))
    own = [job for job in jobs if there & {_in_crate(folder, each) for each in job.outputs}]
    earlier, read = _earlier_actions(folder, there, {_id(folder, job) for job in own})
    if not own and not earlier:
        return
    _copy(made_with, folder, {name for name in read & there if _is_copy(name)})
    sums = {name: sha256_file(folder / name) for name in files_of(folder)}
    copies = {str(path) for path in made_with}
    actions = [*earlier, *(_action(folder, job, sums, copies) for job in own)]
    snakefile = f"{MADE_WITH}/{made_with[0]}"
    document = _document(folder, provenance, sums, actions, snakefile, version)
    write_json(folder / METADATA, document)
    sums[METADATA] = sha256_file(folder / METADATA)
    write_text(folder / SUMS, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))


def files_of(folder: Path) -> list[str]:
    """Names of the files of a folder of results, below it, in order.

    Left out are what all runs of a checkout share, other folders of results, hidden files, and the two
    files of the crate itself.
    """
    return sorted(_walk(folder, folder))


def _walk(top: Path, folder: Path) -> Iterator[str]:
    for path in folder.iterdir():
        name = str(path.relative_to(top))
        if path.name.startswith(".") or name in {METADATA, SUMS, *SHARED}:
            continue
        if not path.is_dir():
            yield name
        elif not (path / SCOPE).exists():
            yield from _walk(top, path)


def refuse_links(folder: Path) -> None:
    """Make sure that a folder of results holds files and folders alone, which lead nowhere else.

    Raises:
        ColonnadeError: something is a symlink, or a device, pipe or socket.
    """
    for path in folder.iterdir():
        name = str(path.relative_to(folder))
        if not path.name.startswith(".") and name not in SHARED:
            _refuse_links(path)


def _refuse_links(path: Path) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        for each in path.iterdir():
            if not each.name.startswith("."):
                _refuse_links(each)
    elif not stat.S_ISREG(mode):
        kind = f"a symlink to {path.readlink()}" if stat.S_ISLNK(mode) else "no regular file"
        raise ColonnadeError(
            f"{printable(str(path))}: {printable(kind)}; allowed: files and folders, since nothing"
            " outside of the results is read: put what it stands for there in its place"
        )


def printable(text: str) -> str:
    """A text of a crate for a terminal, which acts on control characters."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)


def read_crate(folder: Path) -> CrateGraph:
    """What a folder's crate says of its files and of the commands that made them.

    Raises:
        ColonnadeError: there is none, or it is damaged.
    """
    if not (folder / METADATA).is_file():
        raise ColonnadeError(
            f"{folder / METADATA}: not there; the end of a run writes it, and of a run that was killed at"
            " its end the same command with `--forcerun report`"
        )
    found: CrateGraph = read_json(folder / METADATA, CrateGraph)
    return found


def read_sums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by name, as `SHA256SUMS` has them.

    Raises:
        ColonnadeError: it is missing or damaged.
    """
    found = {}
    for number, line in enumerate(read_text(folder / SUMS).splitlines(), 1):
        parts = re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line)
        if parts is None:
            raise ColonnadeError(
                f"{folder / SUMS}: line {number}: {line[:80]!r}; allowed: 64 hex digits, two spaces,"
                " a name"
            )
        found[parts[2]] = parts[1]
    return found


def _copy(files: Iterable[Path], folder: Path, kept: Iterable[str]) -> None:
    """Make the copies of files of the checkout anew; of those that are there, `kept` ones stay."""
    sources = {name: folder / name for name in kept} | {
        f"{MADE_WITH}/{each}": each for each in files
    }
    with atomic_path(folder / MADE_WITH) as temporary:
        for name, source in sources.items():
            place = temporary / Path(name).relative_to(MADE_WITH)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)


def _is_copy(name: str) -> bool:
    return name.startswith(f"{MADE_WITH}/")


def _earlier_actions(
    folder: Path, there: Collection[str], anew: Collection[str]
) -> tuple[list[dict[str, Any]], set[str]]:
    """Actions of the crate that is there, and the files that they read; none of a damaged crate.

    Left out are those of files that are not `there` any more, and those described `anew`.
    """
    try:
        graph = json.loads((folder / METADATA).read_text("utf-8"))["@graph"]
        actions = [
            each
            for each in graph
            if each["@type"] == "CreateAction"
            and each["@id"] not in {_RUN, *anew}
            and all(made["@id"] in there for made in each["result"])
        ]
        return actions, {read["@id"] for each in actions for read in each["object"]}
    except (OSError, ValueError, KeyError, TypeError):
        return [], set()


def _id(folder: Path, job: Made) -> str:
    return f"#{job.rule}-{_in_crate(folder, job.outputs[0])}"


def _action(
    folder: Path, job: Made, names: Collection[str], copies: Collection[str]
) -> dict[str, Any]:
    made, read, words = (
        [_in_crate(folder, each, copies) for each in listed]
        for listed in (job.outputs, job.inputs, job.command)
    )
    # Not all are kept.
    results = [each for each in made if each in names]
    return {
        "@id": _id(folder, job),
        "@type": "CreateAction",
        "name": job.rule,
        "description": shlex.join(words),
        "instrument": _reference(_PROGRAM),
        "object": [_reference(each) for each in read if each in names],
        "result": [_reference(each) for each in results],
        "endTime": _time(max((folder / each).stat().st_mtime for each in results)),
    }


def _in_crate(folder: Path, word: str, copies: Collection[str] = ()) -> str:
    """A file of the results by its name in the crate, one of the checkout by that of its copy."""
    return f"{MADE_WITH}/{word}" if word in copies else word.removeprefix(f"{folder}/")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _reference(name: str) -> dict[str, str]:
    return {"@id": name}


def _document(
    folder: Path,
    provenance: Mapping[str, Any],
    sums: Mapping[str, str],
    actions: Sequence[Mapping[str, Any]],
    snakefile: str,
    version: str,
) -> dict[str, Any]:
    files = [_file(folder, name, digest) for name, digest in sums.items() if name != snakefile]
    ended = max(each["endTime"] for each in actions)
    model, target = provenance["config"]["model"]["name"], provenance["config"]["target"]
    return {
        "@context": [
            "https://w3id.org/ro/crate/1.1/context",
            "https://w3id.org/ro/terms/workflow-run/context",
        ],
        "@graph": [
            {
                "@id": METADATA,
                "@type": "CreativeWork",
                "about": _reference("./"),
                "conformsTo": [
                    _reference("https://w3id.org/ro/crate/1.1"),
                    _reference(_WORKFLOW_CRATE),
                ],
            },
            {
                "@id": "./",
                "@type": "Dataset",
                "name": f"Colonnade: {model} on {target}",
                "description": "Tables, claims, report and raw files of a run, and how each was made;"
                " `colonnade verify` recomputes them.",
                "datePublished": ended,
                "license": _reference(_LICENCE),
                "conformsTo": [_reference(each) for each in _PROFILES],
                "mainEntity": _reference(snakefile),
                "mentions": [_reference(_RUN), *(_reference(each["@id"]) for each in actions)],
                "hasPart": [_reference(name) for name in sums],
            },
            *(
                {
                    "@id": each,
                    "@type": "CreativeWork",
                    "name": name,
                    "version": each.rsplit("/", 1)[1],
                }
                for each, name in _PROFILES.items()
            ),
            {"@id": _LICENCE, "@type": "CreativeWork", "name": "BSD 3-Clause License"},
            {
                "@id": snakefile,
                "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
                "name": "Colonnade's workflow",
                "version": provenance["git_commit"] or version,
                "programmingLanguage": _reference(_SNAKEMAKE),
                "sha256": sums[snakefile],
            },
            {
                "@id": _SNAKEMAKE,
                "@type": "ComputerLanguage",
                "name": "Snakemake",
                "alternateName": "Snakemake",
                "identifier": _reference("https://doi.org/10.1093/bioinformatics/bts480"),
                "url": _reference("https://snakemake.readthedocs.io"),
                "version": provenance["python_packages"]["snakemake"],
            },
            {
                "@id": _PROGRAM,
                "@type": "SoftwareApplication",
                "name": "colonnade",
                "softwareVersion": version,
                "url": _reference("https://arxiv.org/abs/2507.17301"),
            },
            {
                "@id": _RUN,
                "@type": "CreateAction",
                "name": "The run that made these results",
                "instrument": _reference(snakefile),
                "endTime": ended,
                "object": [_reference(PROVENANCE)],
                "result": [_reference(name) for name in sums if not _is_copy(name)],
            },
            *actions,
            *files,
        ],
    }


def _file(folder: Path, name: str, digest: str) -> dict[str, Any]:
    path = folder / name
    return {
        "@id": name,
        "@type": "File",
        "name": path.name,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": _MEDIA.get(path.suffix, "application/octet-stream"),
        "sha256": digest,
    }
