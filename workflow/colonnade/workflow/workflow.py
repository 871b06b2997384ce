# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the rules need to know: settings of jobs, files they are built from, and how they start.

Nothing here writes a file: reading the workflow (for a dry run, a list of rules, a linter) changes
nothing. What is written is written by rules.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter

from colonnade.common.contents import file_digest, folder_digest
from colonnade.common.errors import ColonnadeError
from colonnade.config.data import DataConfig, ImageNetConfig
from colonnade.config.reading import read_config
from colonnade.config.schema import Config
from colonnade.config.target import TargetConfig, load_target
from colonnade.config.training import TrainingConfig
from colonnade.pruning.plan import prunable_convs
from colonnade.study.runs import StudyRun, study_runs
from colonnade.validation.band import read_band
from colonnade.workflow.scope import check_scope, scope_of
from colonnade.workflow.settings import INPUTS, RUN, canonical, select
from colonnade.workflow.stages import Stages
from colonnade.workflow.versions import Library

LIBRARY = Library(Path(__file__).parents[1])
TARGETS = Path("config/targets")
BANDS = Path("kernels/timing/bands")
BASELINE = Path("results/baseline/throughput.csv")
# Accuracy is checked on RISC-V even where time is measured on another target.
EMULATED = "x60"
# Hex digits of a settings file's name: enough for no two of a checkout to be equal.
DIGITS = 16


@dataclass(frozen=True)
class Workflow(Stages):
    """A checked configuration, and what the rules take from it."""

    # Parts of the configuration that several rules read: the convolutions and how they are pruned,
    # fine-tuning, and the judging of a checkpoint.
    LAYERS: ClassVar = ("model.name", "throughput.image_px", "throughput.batch")
    PRUNED_LAYERS: ClassVar = (*LAYERS, "pruning.patterns", "pruning.skip")
    FINETUNING: ClassVar = ("seed", "data", "training", "-training.dense", "pruning.recipe")
    JUDGING: ClassVar = ("data", "training", "-training.dense", "-training.finetune")
    # All but the place of the results, on which no number depends.
    SECTIONS: ClassVar = tuple(name for name in Config.model_fields if name != "results")

    target: TargetConfig
    _texts: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    _digests: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_config(cls, values: Mapping[str, Any], files: Sequence[Path]) -> "Workflow":
        """Check merged configuration values.

        Args:
            values: what the command line sets.
            files: the files, the one that wins first.

        Raises:
            ColonnadeError: the configuration is wrong.
        """
        config, target = read_config(values, files, TARGETS, [_skipped_layers_exist])
        study_runs(config.study)
        stages = cls(config, target)
        check_scope(config)
        return stages

    def settings(self, *sections: str, run: StudyRun | None = None) -> str:
        """Path of the settings file that holds the named parts of the configuration.

        It is named by its content: where a part changes, so does the path, and with it the inputs of
        the jobs that have it. Rule `settings` writes the file.

        Args:
            sections: see `colonnade.workflow.settings.select`; part `target` holds its name and
                description.
            run: the run of the accuracy study that the job is about.
        """
        values = self.config.model_dump(mode="json")
        values["target"] = {"name": self.config.target, **self.target.model_dump(mode="json")}
        chosen = select(values, sections)
        if contents := self._contents(chosen):
            chosen[INPUTS] = contents
        if run is not None:
            chosen[RUN] = TypeAdapter(StudyRun).dump_python(run, mode="json")
        text = canonical(chosen)
        digest = hashlib.sha256(f"{text}\n".encode()).hexdigest()[:DIGITS]
        self._texts[digest] = text
        return f"<results>/settings/{digest}.json"

    def _contents(self, chosen: Mapping[str, Any]) -> dict[str, str]:
        """What the files hold that chosen parts of the configuration only name."""
        found = {}
        weights = chosen.get("model", {}).get("weights")
        if weights is not None:
            found["model.weights"] = self._digest(file_digest, weights)
        for name, section in (("data", chosen), ("study.data", chosen.get("study", {}))):
            path = section.get("data", {}).get("path")
            if path is not None:
                found[f"{name}.path"] = self._digest(folder_digest, path)
        return found

    def _digest(self, of: Callable[[Path], str], path: str) -> str:
        if path not in self._digests:
            self._digests[path] = of(Path(path))
        return self._digests[path]

    def settings_text(self, digest: str) -> str:
        """What the settings file of that name holds, without its final newline.

        Raises:
            ColonnadeError: no job of this configuration has it.
        """
        if digest not in self._texts:
            raise ColonnadeError(f"settings {digest}: no job of this configuration has them")
        return self._texts[digest]

    def only(self, variant: str) -> "Workflow":
        """The workflow of one pruned variant, which does not depend on the other patterns."""
        pruning = self.config.pruning.model_copy(update={"patterns": (self.pattern(variant),)})
        return replace(self, config=self.config.model_copy(update={"pruning": pruning}))

    def study_settings(self, label: str) -> str:
        """Path of the settings file of a run of the study, which does not depend on the other runs.

        Raises:
            ColonnadeError: there is no such run.
        """
        if label not in self.study_runs:
            raise ColonnadeError(
                f"run {label!r} of the study: allowed: {', '.join(self.study_runs)}"
            )
        own = ("study.data", "study.training", "-study.training.dense")
        return self.settings(*own, *self.PRUNED_LAYERS, run=self.study_runs[label])

    @cached_property
    def emulated(self) -> "Workflow":
        """The workflow on emulated RISC-V, on which top-1 is checked whatever the target is."""
        config = self.config.model_copy(update={"target": EMULATED})
        return replace(self, config=config, target=load_target(TARGETS, EMULATED))

    @staticmethod
    def launcher(training: TrainingConfig) -> str:
        """What a rule puts before a training command, so that it runs in several processes."""
        if training.processes == 1:
            return ""
        return f"torchrun --standalone --nproc-per-node {training.processes} --no-python "

    @property
    def run_wildcards(self) -> dict[str, list[str]]:
        """Wildcards of the runs of the throughput table, in its order."""
        return _wildcards(self.runs)

    @property
    def step_wildcards(self) -> dict[str, list[str]]:
        """Wildcards of the runs of the decomposition table, in its order."""
        return _wildcards([(step.implementation, step.variant) for step in self.steps])

    @property
    def study_wildcards(self) -> dict[str, list[str]]:
        """Wildcards of the networks of the study, in its order."""
        networks = self.study_networks
        return {
            "run": [run.label for run, _ in networks],
            "seed": [str(seed) for _, seed in networks],
        }

    @staticmethod
    def one_of(names: Iterable[str]) -> str:
        """The constraint of a wildcard that has no other values."""
        return "|".join(map(re.escape, names))

    def modelled(self, *tables: str) -> list[str]:
        """Those tables that only a timing model can give, where the target has one."""
        return list(tables) if self.target.is_emulated else []

    @property
    def baseline(self) -> list[str]:
        """The recorded throughput that a nightly run is compared with, if there is one."""
        return [str(BASELINE)] if BASELINE.exists() else []

    @property
    def recipe(self) -> list[str]:
        """Files that the toolchain image is built from."""
        return _files("containers")

    @property
    def kernel_sources(self) -> list[str]:
        """Files that the programs are built from."""
        ours = [file for file in _files("kernels") if not file.startswith("kernels/timing/")]
        return [*ours, "kernels/timing/marker.h"]

    @property
    def timing_sources(self) -> list[str]:
        """Files that the timing model is built from."""
        sources = [*_files("kernels/timing/src"), "kernels/timing/CMakeLists.txt"]
        return [*sources, "kernels/build.sh"]

    @property
    def validation_sources(self) -> list[str]:
        """Files of the kernels that the timing model is validated with."""
        return [*_files("kernels/timing/validation"), "kernels/timing/marker.h"]

    @property
    def band(self) -> list[str]:
        """What is not known of the target's core; none if its time is measured, or without a band."""
        bands = [BANDS / Path(core).name for core in self.core]
        return [str(band) for band in bands if band.exists()]

    def timing_threads(self, cores: int) -> int:
        """Cores that a job takes which times code: where time is measured all of them, so that nothing
        runs beside it.
        """
        return 1 if self.target.is_emulated else cores

    @property
    def core_variants(self) -> list[str]:
        """Names of the cores of the band."""
        return [core.name for band in self.band for core in read_band(Path(band)).variants]

    @property
    def core(self) -> list[str]:
        """The description of the target's core; none if its time is measured."""
        return [] if self.target.core is None else [str(self.target.core)]

    @staticmethod
    def code(command: str) -> str:
        """Version of the code that a `colonnade` command runs; see `colonnade.workflow.versions`."""
        return LIBRARY.version(command)

    @property
    def scope(self) -> str:
        """What the results folder remembers of its configuration; see `colonnade.workflow.scope`."""
        return canonical(scope_of(self.config))

    @property
    def weights(self) -> list[str]:
        """The file of weights that training starts from, if there is one."""
        path = self.config.model.weights
        return [] if path is None else [str(path)]

    @property
    def images(self) -> list[str]:
        """The folder of images, if the data set is one that is not made here."""
        return _folders(self.config.data)

    @property
    def study_images(self) -> list[str]:
        """The same of the study."""
        return _folders(self.config.study.data)

    @property
    def image(self) -> str:
        """The record of the toolchain, in whose container programs are built and run."""
        return "results/toolchain/image.json"

    def program(self, name: str) -> list[str]:
        """What running a program on the target needs."""
        return [self.image, f"results/build/{'riscv64' if self.core else 'host'}/{name}"]

    def timed_program(self, name: str) -> list[str]:
        """What running a program on the target needs, and taking its time."""
        plugin = ["results/build/timing/libcolonnade-timing.so"] if self.core else []
        return [*self.program(name), *plugin, *self.core]


def _skipped_layers_exist(config: Config) -> None:
    prunable_convs(config.model.name, config.pruning.skip)


def _folders(data: DataConfig) -> list[str]:
    return [str(data.path)] if isinstance(data, ImageNetConfig) else []


def _wildcards(runs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    return {
        "implementation": [implementation for implementation, _ in runs],
        "variant": [variant for _, variant in runs],
    }


def _files(directory: str) -> list[str]:
    return sorted(str(path) for path in Path(directory).rglob("*") if path.is_file())
