# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the rules need to know: a checked configuration, and what follows from it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import TARGETS
from colonnade.config.model import ModelName
from colonnade.config.pruning import Pattern
from colonnade.config.reading import check_threads, read_config
from colonnade.config.schema import Config
from colonnade.config.study import StudyConfig
from colonnade.config.target import TargetConfig, load_target
from colonnade.config.training import TrainingConfig
from colonnade.pruning.plan import prunable_convs
from colonnade.workflow.convolutions import Convolutions
from colonnade.workflow.inputs import Machine
from colonnade.workflow.job_settings import JobSettings
from colonnade.workflow.networks import Networks
from colonnade.workflow.scope import check_scope, scope_of
from colonnade.workflow.settings import canonical
from colonnade.workflow.versions import Library

LIBRARY = Library(Path(__file__).parents[1])
# Accuracy is checked on RISC-V even where time is measured on another target.
EMULATED = "x60"
# Where engines are compared.
HOST = "host"


@dataclass(frozen=True)
class Workflow:
    """A checked configuration, and what the rules take from it."""

    config: Config
    target: TargetConfig

    @classmethod
    def from_config(cls, values: Mapping[str, Any], files: Sequence[Path]) -> "Workflow":
        """Check merged configuration values.

        Args:
            values: what the command line sets.
            files: the files, the one that wins first.

        Raises:
            ColonnadeError: the configuration is wrong.
        """
        config, target = read_config(values, files, TARGETS, CHECKS)
        return cls(config, target)

    @cached_property
    def networks(self) -> Networks:
        """The networks, and the runs of them."""
        return Networks(self.config)

    @cached_property
    def small_study(self) -> "SmallStudy | None":
        """The small study, whose jobs get its values as section `study`; None where it is left out."""
        if self.config.small_study is None:
            return None
        study = self.config.small_study.study
        config = self.config.model_copy(update={"study": study})
        return SmallStudy(study, Networks(config), replace(self.settings, config=config))

    @cached_property
    def convolutions(self) -> Convolutions:
        """The convolutions, and the searches for their schedules."""
        return Convolutions(self.config)

    @cached_property
    def settings(self) -> JobSettings:
        """Settings files of the jobs."""
        return JobSettings(self.config, self.target)

    @cached_property
    def machine(self) -> Machine:
        """Where convolutions are profiled and networks timed."""
        return Machine(self.target)

    @cached_property
    def emulated(self) -> "Emulated":
        """Emulated RISC-V, on which top-1 is checked whatever the target is."""
        target = load_target(TARGETS, EMULATED)
        return Emulated(Machine(target), self.settings.on(EMULATED, target))

    @cached_property
    def host(self) -> "SeveralNetworks":
        """This machine, on which networks are compared with other engines whatever the target is."""
        return self._on(HOST, self.config.comparison.patterns)

    @cached_property
    def figures(self) -> "SeveralNetworks":
        """The modelled X60, on which the paper's networks are timed whatever the target is.

        Without Winograd's algorithm, which the paper does not compare with: by it layers stay dense that
        the paper prunes.
        """
        profile = self.config.profile
        multiplying = tuple(each for each in profile.algorithms if each != "winograd")
        profile = profile.model_copy(update={"algorithms": multiplying})
        config = self.config.model_copy(update={"profile": profile})
        settings = replace(self.settings, config=config)
        return self._on(EMULATED, self.config.figures.patterns, settings)

    def _on(
        self, name: str, patterns: tuple[Pattern, ...], settings: JobSettings | None = None
    ) -> "SeveralNetworks":
        target, settings = load_target(TARGETS, name), settings or self.settings
        return SeveralNetworks(Machine(target), settings.on(name, target), patterns)

    @property
    def scope(self) -> str:
        """What the results folder remembers of its configuration; see `colonnade.workflow.scope`."""
        return canonical(scope_of(self.config))


class SmallStudy(NamedTuple):
    """What the rules take of the small study."""

    config: StudyConfig
    networks: Networks
    settings: JobSettings


class Emulated(NamedTuple):
    """What the rules take of the emulated target."""

    machine: Machine
    settings: JobSettings


class SeveralNetworks(NamedTuple):
    """What the rules take of a machine on which several networks run, pruned by the same patterns."""

    machine: Machine
    settings: JobSettings
    patterns: tuple[Pattern, ...]

    def of(self, network: ModelName) -> JobSettings:
        """Settings of the jobs of a network."""
        return self.settings.of_network(network, self.patterns)

    def convolutions(self, network: ModelName) -> Convolutions:
        """Its convolutions."""
        return Convolutions(self.of(network).config)


def run_wildcards(runs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Wildcards of runs, each an implementation of a variant."""
    listed = list(runs)
    return {
        "implementation": [implementation for implementation, _ in listed],
        "variant": [variant for _, variant in listed],
    }


def one_of(names: Iterable[str]) -> str:
    """The constraint of a wildcard that has no other values."""
    return "|".join(map(re.escape, names))


# Every step fills megabytes anew, and huge pages spare most of the faults: a step of ResNet-18 on images
# of 48 px took 0.8 of its time. A setting of glibc's; other C libraries ignore it.
_HUGE_PAGES = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1 "


def launcher(training: TrainingConfig) -> str:
    """What a rule puts before a training command: its memory, and several processes if configured."""
    if training.processes == 1:
        return _HUGE_PAGES
    return f"{_HUGE_PAGES}torchrun --standalone --nproc-per-node {training.processes} --no-python "


def code(command: str) -> str:
    """Version of the code that a `colonnade` command runs; see `colonnade.workflow.versions`."""
    return LIBRARY.version(command)


def _skipped_layers_exist(config: Config) -> None:
    prunable_convs(config.model.name, config.pruning.skip)


def _matrix_is_modelled(config: Config) -> None:
    """That targets of `nightly.matrix` are emulated, and have a core for each thread."""
    for name in config.nightly.matrix.targets:
        try:
            target = load_target(TARGETS, name)
        except ColonnadeError as error:
            raise ColonnadeError(f"nightly.matrix.targets: {error}") from error
        if not target.is_emulated:
            raise ColonnadeError(
                f"nightly.matrix.targets: {name!r}: of kind {target.kind}; allowed: emulated targets"
            )
        check_threads(
            max(config.nightly.matrix.threads), name, target, key="nightly.matrix.threads"
        )


CHECKS = (_skipped_layers_exist, check_scope, _matrix_is_modelled)
