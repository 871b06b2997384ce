# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Compares one network, dense and pruned, with the engines that people use."""

import importlib.metadata
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors.numpy import load_file

from colonnade.common.datatypes import TOLERANCE
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import make_folder, write_json
from colonnade.common.paths import RUNNER
from colonnade.common.progress import Progress
from colonnade.common.reference import REFERENCE
from colonnade.comparison import worker
from colonnade.comparison.interleave import Result, take_turns
from colonnade.comparison.networks import (
    Array,
    random_image,
    relative_error,
    write_for_peers,
)
from colonnade.comparison.process import Process
from colonnade.config.comparison import ComparisonConfig
from colonnade.config.model import ModelName
from colonnade.models.conv_shape import ConvShape
from colonnade.package.untrained import Variant, write_variants
from colonnade.results.provenance import cpu_model
from colonnade.targets.conditions import Watch, alone
from colonnade.targets.target import Target

# What is installed for a peer, where that has another name.
_PACKAGES = {"executorch_xnnpack": "executorch", "pytorch": "torch", "pytorch_compile": "torch"}
# Variables that a peer may see of ours: some compile, and need a compiler and places to write.
_VARIABLES = ("PATH", "HOME", "TMPDIR", "LANG")


@dataclass(frozen=True)
class Peers:
    """The engines' own environment, and why some of them are not in it."""

    folder: Path
    missing: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path, listed: Path) -> "Peers":
        """What `workflow/envs/peers.sh` has made.

        Raises:
            ColonnadeError: its list is missing or damaged.
        """
        try:
            lines = listed.read_text("utf-8").splitlines()
            missing = dict(line.split("\t") for line in lines)
        except (OSError, ValueError) as error:
            raise ColonnadeError(f"{listed}: no list of peers: {error}") from error
        return cls(folder, {name: reason for name, reason in missing.items() if reason})

    def version(self, peer: str) -> str | None:
        """Version of the package that is the peer."""
        name = _PACKAGES.get(peer, peer)
        places = [str(each) for each in self.folder.glob("lib/python*/site-packages")]
        found = importlib.metadata.distributions(name=name, path=places)
        return next((each.version for each in found), None)

    def command(self, peer: str, folder: Path, threads: int, output: Path) -> list[str]:
        """The command line of a peer's worker."""
        program = [str(self.folder / "bin/python"), worker.__file__]
        return [*program, peer, str(folder), str(threads), str(output)]


@dataclass(frozen=True)
class Participant:
    """A network, and what runs it: an engine of others (`peer`), or ours; XNNPACK's is one of theirs."""

    name: str
    kind: Literal["peer", "colonnade"]
    version: str | None
    variant: Variant
    command: list[str]
    output: Path
    env: dict[str, str]
    missing: str = ""

    @property
    def label(self) -> str:
        """Its name and the variant's, which no other has."""
        return f"{self.name} {self.variant.label}"

    def result(self) -> Array:
        """What it has written of its last run."""
        if self.output.suffix == ".npy":
            loaded: Array = np.load(self.output)
            return loaded
        (found,) = load_file(self.output).values()
        return found


def compare_network(
    target: Target,
    name: ModelName,
    settings: ComparisonConfig,
    image_px: int,
    layers: Sequence[tuple[str, ConvShape]],
    schedules: Path,
    peers: Peers,
    seed: int,
    output: Path,
) -> None:
    """Compare a network at every batch and number of threads, and write rows of `comparison.csv` as
    JSON.

    Args:
        target: this machine.
        name: of the network.
        settings: at what it is compared.
        image_px: width and height of the images.
        layers: the convolutions that are pruned.
        schedules: what tuning chose for it.
        peers: the engines of others.
        seed: of weights and images, and of the order of turns.
        output: the JSON file.

    Raises:
        ColonnadeError: no engine of others could run, or a file cannot be written.
    """
    target.check_built(RUNNER)
    combinations = [(batch, threads) for batch in settings.batches for threads in settings.threads]
    rows: list[dict[str, Any]] = []
    make_folder(output.parent)
    with tempfile.TemporaryDirectory(dir=output.parent) as name_of_folder, alone():
        scratch = Path(name_of_folder)
        variants = write_variants(
            scratch / "networks", name, settings.patterns, layers, schedules, seed
        )
        with Progress(f"compare {name}", len(combinations), "setting") as progress:
            for batch, threads in combinations:
                folder = scratch / f"batch{batch}"
                image = random_image(batch, image_px, seed)
                if not folder.exists():
                    write_for_peers(folder, variants[0], image)
                taking = list(_participants(target, variants, peers, folder, schedules, threads))
                shared = {"model": name, "batch": batch, "image_px": image_px, "threads": threads}
                rows += [
                    {**shared, **row} for row in _compare(taking, image, settings.rounds, seed)
                ]
                progress.add(1)
    machine = {"target": target.name, "cpu": cpu_model(), "cores": os.cpu_count()}
    write_json(output, [{**machine, **row} for row in rows])


def _participants(
    target: Target,
    variants: Sequence[Variant],
    peers: Peers,
    folder: Path,
    schedules: Path,
    threads: int,
) -> Iterator[Participant]:
    dense, *pruned = variants
    env = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    env |= {"OMP_NUM_THREADS": str(threads), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    env["TORCHINDUCTOR_CACHE_DIR"] = str((folder / "inductor").absolute())
    for peer in worker.PEERS:
        output = folder / f"{peer}.npy"
        command = peers.command(peer, folder, threads, output)
        missing = peers.missing.get(_PACKAGES.get(peer, peer), "")
        yield Participant(peer, "peer", peers.version(peer), dense, command, output, env, missing)
    program, _ = target.command(RUNNER, timing=None)
    ours = [("colnm_dense", dense), *(("colnm_tuned", each) for each in pruned)]
    for implementation, variant in [(REFERENCE, dense), *ours]:
        output = folder / f"{implementation}-{variant.label}.safetensors"
        command = [
            *program,
            *("--package", str(variant.package), "--implementation", implementation),
            *("--schedules", str(schedules), "--input", str(folder / "input.safetensors")),
            *("--output", str(output), "--report", str(output.with_suffix(".json"))),
            *("--threads", str(threads), "--serve"),
        ]
        kind: Literal["peer", "colonnade"] = "peer" if implementation == REFERENCE else "colonnade"
        yield Participant(implementation, kind, None, variant, command, output, {})


def _compare(
    participants: Sequence[Participant], image: Array, rounds: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Rows of one batch and number of threads, without what they share with others of the network."""
    watch = Watch()
    reasons = {each.label: each.missing for each in participants if each.missing}
    ready: dict[str, Process] = {}
    with ExitStack() as stack:
        for each in participants:
            if each.missing:
                continue
            log = each.output.with_suffix(".log")
            try:
                process = stack.enter_context(Process(each.command, each.env, log))
                process.get_ready()
                ready[each.label] = process
            except ColonnadeError as error:
                reasons[each.label] = str(error)
        results = take_turns(ready, rounds, seed, watch.look)
        errors: dict[str, float] = {}
        variants = {each.variant for each in participants}
        expected = {variant: variant.output(image) for variant in variants}
        for each in participants:
            if each.label not in results or results[each.label].reason:
                continue
            try:
                ready[each.label].finish()
            except ColonnadeError as error:
                results[each.label] = Result(reason=str(error))
                continue
            errors[each.label] = relative_error(each.result(), expected[each.variant])
    conditions = watch.conditions().columns()
    for each in participants:
        result = results.get(each.label, Result(reason=reasons.get(each.label, "")))
        wrong = errors.get(each.label)
        if wrong is not None and not wrong <= TOLERANCE["f32"]:
            result = Result(
                reason=f"its outputs differ by {wrong:.1e}; allowed: {TOLERANCE['f32']:g}"
            )
        yield {
            **{"participant": each.name, "kind": each.kind, "version": each.version},
            **{"variant": each.variant.label, "sparsity": each.variant.sparsity},
            **{"round_ms": result.ms, "reason": result.reason, "max_relative_error": wrong},
            **conditions,
        }
