"""What the workflow's rules need to know of a configuration: its convolutions, variants and runs.

A variant is one trained network: `dense`, or the label of a pattern. A run is an implementation
executing a variant.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colonnade.budget import Network
from colonnade.config import Config, TargetConfig, read_config
from colonnade.conv import ConvShape
from colonnade.errors import ColonnadeError
from colonnade.files import read_json, write_json
from colonnade.models import conv_shapes
from colonnade.pruning import Pattern, prunable_convs
from colonnade.reference import REFERENCE
from colonnade.steps import Step, plan_steps
from colonnade.study import Evaluated, StudyRun, study_runs
from colonnade.training.settings import TrainingConfig
from colonnade.tuning import DENSE as DENSE_PROFILE
from colonnade.tuning import Profiled, sample
from colonnade.validation.band import read_band

TARGETS = Path("config/targets")
BANDS = Path("kernels/timing/bands")
RESOLVED = Path("results/config.json")
BASELINE = Path("results/baseline/throughput.csv")
DENSE = "dense"


@dataclass(frozen=True)
class Stages:
    """A checked configuration, and what follows from it."""

    config: Config
    target: TargetConfig

    @classmethod
    def from_config(cls, values: Mapping[str, Any], files: Sequence[Path]) -> "Stages":
        """Check a configuration and leave it, resolved, for the commands to read.

        Args:
            values: what the command line sets.
            files: configuration files, the one that wins first.

        Raises:
            ColonnadeError: the configuration is wrong.
        """
        config, target = read_config(values, files, TARGETS)
        prunable_convs(config.model.name, config.pruning.skip)
        study_runs(config.study)
        stages = cls(config, target)
        resolved = config.model_dump(mode="json")
        if not RESOLVED.exists() or read_json(RESOLVED) != resolved:
            write_json(RESOLVED, resolved)
        return stages

    @classmethod
    def load(cls) -> "Stages":
        """Read the resolved configuration back.

        Raises:
            ColonnadeError: the workflow has not written it yet, or it is damaged.
        """
        return cls(*read_config(read_json(RESOLVED), [RESOLVED], TARGETS))

    def fingerprint(self, *sections: str) -> str:
        """The named sections as text, for a rule's `params`: a change reruns the rule."""
        values = self.config.model_dump(mode="json", include=set(sections))
        if "target" in sections:
            values["target"] = {self.config.target: self.target.model_dump(mode="json")}
        return json.dumps(values, sort_keys=True)

    def pattern(self, variant: str) -> Pattern:
        """The pattern of a pruned variant.

        Raises:
            ColonnadeError: there is none of that label.
        """
        for pattern in self.config.pruning.patterns:
            if pattern.label == variant:
                return pattern
        allowed = ", ".join(self.variants)
        raise ColonnadeError(f"variant {variant!r}: allowed: {allowed}")

    def method(self, variant: str) -> str:
        """Column `method` of the accuracy table: how a variant is pruned, or `dense`."""
        return DENSE if variant == DENSE else self.pattern(variant).method

    @property
    def variants(self) -> list[str]:
        """Labels of all variants, the dense one first."""
        return [DENSE, *(pattern.label for pattern in self.config.pruning.patterns)]

    @property
    def sparsities(self) -> list[float]:
        """Sparsities to profile: 0 for layers that stay dense, then each pattern's."""
        return [0.0, *dict.fromkeys(p.sparsity for p in self.config.pruning.patterns)]

    def profiled(self, sparsity: float) -> float:
        """The pruned sparsity, of those that are profiled, whose schedules serve for `sparsity`."""
        return min(self.sparsities[1:], key=lambda each: abs(each - sparsity))

    @property
    def front(self) -> list[Network]:
        """Networks that compete in top-1 and time: dense, uniform, and one per budget."""
        uniform = [
            Network(
                variant, DENSE if variant == DENSE else "uniform", _checkpoint("train", variant)
            )
            for variant in self.variants
        ]
        budgets = [
            Network(f"budget {speedup:g}", "per layer", _checkpoint("budget", f"{speedup:g}"))
            for speedup in self.config.budget.speedups
        ]
        return uniform + budgets

    @staticmethod
    def launcher(training: TrainingConfig) -> str:
        """What a rule puts before a training command, so that it runs in several processes."""
        if training.processes == 1:
            return ""
        return f"torchrun --standalone --nproc-per-node {training.processes} --no-python "

    @property
    def study_runs(self) -> dict[str, StudyRun]:
        """Runs of the accuracy study by label."""
        return study_runs(self.config.study)

    @property
    def study_start_settings(self) -> str:
        """What the dense networks of the study depend on, as text: more runs train none of them again."""
        study = self.config.study
        training = study.training.model_dump(mode="json", exclude={"finetune"})
        data = study.data.model_dump(mode="json")
        return json.dumps(
            [self.config.model.model_dump(mode="json"), data, training], sort_keys=True
        )

    def study_run_settings(self, label: str) -> str:
        """What a run of the study depends on beside its dense network, as text."""
        study, run = self.config.study, self.study_runs[label]
        parts = (study.data, study.training, run.recipe, *filter(None, [run.pattern]))
        return json.dumps([part.model_dump(mode="json") for part in parts], sort_keys=True)

    @property
    def study_networks(self) -> list[Evaluated]:
        """Every network of the accuracy study, seed by seed, and where its evaluation goes."""
        return [
            Evaluated.of(run, seed)
            for run in self.study_runs.values()
            for seed in self.config.study.seeds
        ]

    def searches(self, conv: str) -> list[Profiled]:
        """What a convolution is profiled at: dense, and the sparsity of each pattern that prunes it.

        Patterns of equal sparsity share a schedule; it is profiled with the first one's groups.
        """
        skip = self.config.pruning.skip
        if not any(str(shape) == conv and name not in skip for name, shape in self.layers):
            return [DENSE_PROFILE]
        groups = {p.sparsity: str(p.m) for p in reversed(self.config.pruning.patterns)}
        pruned = [Profiled(sparsity, groups[sparsity]) for sparsity in self.sparsities[1:]]
        return [DENSE_PROFILE, *pruned]

    @property
    def audited(self) -> dict[str, list[Profiled]]:
        """The convolutions that `tuner-quality` searches completely, each at these sparsities."""
        searches = [(conv, each) for conv in self.convs for each in self.searches(conv)]
        audited: dict[str, list[Profiled]] = {}
        for conv, each in sample(searches, self.config.profile):
            audited.setdefault(conv, []).append(each)
        return audited

    @property
    def runs(self) -> list[tuple[str, str]]:
        """(implementation, variant) of every row of the throughput table, the baseline first."""
        pruned = [
            (f"colnm_{algorithm}", variant)
            for variant in self.variants
            if variant != DENSE
            for algorithm in ("packed", "direct", "tuned")
        ]
        return [(REFERENCE, DENSE), ("colnm_dense", DENSE), *pruned]

    @property
    def steps(self) -> list[Step]:
        """The rows of the decomposition table."""
        return plan_steps(DENSE, self.config.pruning.patterns)

    @property
    def layers(self) -> list[tuple[str, ConvShape]]:
        """Every convolution of the model at the throughput section's input, by layer name."""
        timed = self.config.throughput
        return conv_shapes(self.config.model.name, timed.image_px, timed.batch)

    @property
    def pruned_layers(self) -> list[tuple[str, ConvShape]]:
        """Those of `layers` that do not stay dense."""
        return [(name, conv) for name, conv in self.layers if name not in self.config.pruning.skip]

    @property
    def convs(self) -> list[str]:
        """The distinct convolutions, as shape strings."""
        return list(dict.fromkeys(str(shape) for _, shape in self.layers))

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
    def band(self) -> Path | None:
        """What is not known of the target's core; None if its time is measured, or without a band."""
        path = None if self.target.core is None else BANDS / self.target.core.name
        return path if path is not None and path.exists() else None

    @property
    def core_variants(self) -> list[str]:
        """Names of the cores of the band."""
        return [] if self.band is None else [core.name for core in read_band(self.band).variants]

    @property
    def emulated_programs(self) -> list[str]:
        """What code on emulated RISC-V needs built."""
        return ["results/build/riscv64/colonnade-run", "results/build/riscv64/colonnade-bench"]

    @property
    def programs(self) -> list[str]:
        """What the target needs built."""
        if self.target.kind == "host":
            return ["results/build/host/colonnade-run", "results/build/host/colonnade-bench"]
        plugin = "results/build/timing/libcolonnade-timing.so"
        return [*self.emulated_programs, plugin, str(self.target.core)]

    @property
    def kernel_tables(self) -> list[str]:
        """Tables about single convolutions that only a timing model can give."""
        names = ("bounds", "packing") if self.target.is_emulated else ()
        return [f"results/tables/{name}.csv" for name in names]

    @property
    def modelled_tables(self) -> list[str]:
        """Tables of the report that only a timing model can give."""
        validation = ["results/tables/validation.csv"] if self.target.is_emulated else []
        return [*validation, *self.kernel_tables]

    def pattern_columns(self, variant: str) -> dict[str, Any]:
        """Columns n, m and sparsity of a table row. With `m: full`, n is the share that is kept."""
        if variant == DENSE:
            return {"n": None, "m": None, "sparsity": 0.0}
        pattern = self.pattern(variant)
        kept = 1 - pattern.sparsity if pattern.n is None else pattern.n
        return {"n": float(kept), "m": str(pattern.m), "sparsity": pattern.sparsity}


def _checkpoint(folder: str, name: str) -> Path:
    return Path("results") / folder / f"{name}.safetensors"


def _files(directory: str) -> list[str]:
    return sorted(str(path) for path in Path(directory).rglob("*") if path.is_file())
