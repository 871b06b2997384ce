# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which settings file each job gets: its rule names parts of the configuration, the rest it cannot see.

Nothing here writes a file: reading the workflow (for a dry run, a list of rules, a linter) changes
nothing. Rule `settings` writes what `JobSettings.text` says.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from colonnade.common.contents import file_digest, folder_digest
from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import Results
from colonnade.config.model import ModelConfig, ModelName
from colonnade.config.pruning import Pattern, PruningConfig
from colonnade.config.schema import Config
from colonnade.config.target import TargetConfig
from colonnade.models.architecture import image_convs
from colonnade.study.runs import StudyRun
from colonnade.workflow.networks import Networks
from colonnade.workflow.settings import INPUTS, RUN, canonical, select

# Parts of the configuration that several rules read: the convolutions and how they are pruned,
# fine-tuning, and the judging of a checkpoint.
LAYERS = ("model.name", "throughput.image_px", "throughput.batch")
PRUNED_LAYERS = (*LAYERS, "pruning.patterns", "pruning.skip")
FINETUNING = ("seed", "data", "training", "-training.dense", "pruning.recipe")
JUDGING = ("data", "training", "-training.dense", "-training.finetune")
# All but the place of the results, on which no number depends.
SECTIONS = tuple(name for name in Config.model_fields if name != "results")
# Hex digits of a settings file's name: enough for no two of a checkout to be equal.
DIGITS = 16
# Rules say <results> for the folder that the configuration gives its results.
FOLDER = Results("<results>")


@dataclass(frozen=True)
class JobSettings:
    """Settings files of a configuration's jobs."""

    config: Config
    target: TargetConfig
    _texts: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    _digests: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def of(self, *sections: str, run: StudyRun | None = None) -> str:
        """Path of the settings file that holds the named parts of the configuration.

        It is named by its content: where a part changes, so does the path, and with it the inputs of
        the jobs that have it.

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
        return FOLDER.settings(digest)

    def of_variant(self, variant: str, *sections: str) -> str:
        """The same of a job about one pruned variant, which does not depend on the other patterns."""
        pattern = Networks(self.config).pattern(variant)
        pruning = self.config.pruning.model_copy(update={"patterns": (pattern,)})
        return replace(self, config=self.config.model_copy(update={"pruning": pruning})).of(
            *sections
        )

    def of_run(self, label: str) -> str:
        """The same of a job about one run of the study, which does not depend on the other runs.

        Raises:
            ColonnadeError: there is no such run.
        """
        runs = Networks(self.config).study_runs
        if label not in runs:
            raise ColonnadeError(f"run {label!r} of the study: allowed: {', '.join(runs)}")
        own = ("study.data", "study.training", "-study.training.dense")
        return self.of(*own, *PRUNED_LAYERS, run=runs[label])

    def of_candidate(self, name: str, label: str) -> str:
        """The same, with a candidate of the recipe search as the fine-tuning.

        Raises:
            ColonnadeError: there is no such candidate, or no such run.
        """
        study = self.config.study
        if name not in study.candidates:
            allowed = ", ".join(study.candidates)
            raise ColonnadeError(f"candidate {name!r} of the study: allowed: {allowed}")
        training = study.training.model_copy(update={"finetune": study.candidates[name]})
        chosen = study.model_copy(update={"training": training})
        changed = self.config.model_copy(update={"study": chosen})
        return replace(self, config=changed).of_run(label)

    def on(self, name: str, target: TargetConfig) -> "JobSettings":
        """Settings of the same jobs on another target, written by the same rule."""
        config = self.config.model_copy(update={"target": name})
        return replace(self, config=config, target=target)

    def of_network(self, network: ModelName, patterns: tuple[Pattern, ...]) -> "JobSettings":
        """The same of another network, pruned by `patterns` but where it reads images."""
        images_read = tuple(image_convs(network))
        pruning = PruningConfig(patterns=patterns, skip=images_read)
        update = {"model": ModelConfig(name=network), "pruning": pruning}
        return replace(self, config=self.config.model_copy(update=update))

    def text(self, digest: str) -> str:
        """What the settings file of that name holds, without its final newline.

        Raises:
            ColonnadeError: no job of this configuration has it.
        """
        if digest not in self._texts:
            raise ColonnadeError(f"settings {digest}: no job of this configuration has them")
        return self._texts[digest]

    def _contents(self, chosen: Mapping[str, Any]) -> dict[str, str]:
        """What the files hold that chosen parts of the configuration only name."""
        found = {}
        weights = chosen.get("model", {}).get("weights")
        if weights is not None:
            found["model.weights"] = self._digest(file_digest, weights)
        for name, section in (("data", chosen), ("study.data", chosen.get("study", {}))):
            for key in ("path", "devkit"):
                if (path := section.get("data", {}).get(key)) is not None:
                    found[f"{name}.{key}"] = self._digest(folder_digest, path)
        return found

    def _digest(self, of: Callable[[Path], str], path: str) -> str:
        if path not in self._digests:
            self._digests[path] = of(Path(path))
        return self._digests[path]
