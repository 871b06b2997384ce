"""Targets of the workflow. docs/configuration.md documents what can be configured."""

from pathlib import Path

from snakemake.exceptions import WorkflowError

from colonnade.config_sources import parse_command_line
from colonnade.errors import ColonnadeError
from colonnade.stages import Stages


configfile: "config/default.yaml"


try:
    # Snakemake's own merge keeps keys of one variant of a section for another, and its own reading of
    # --config makes text of every nested value.
    given = workflow.config_settings
    files = [*map(Path, reversed(given.configfiles)), Path("config/default.yaml")]
    stages = Stages.from_config(parse_command_line(given.config_args or []), files)
except ColonnadeError as error:
    raise WorkflowError(str(error)) from None


include: "workflow/rules/toolchain.smk"
include: "workflow/rules/kernels.smk"
include: "workflow/rules/profile.smk"
include: "workflow/rules/prune.smk"
include: "workflow/rules/accuracy.smk"
include: "workflow/rules/throughput.smk"
include: "workflow/rules/validation.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/study.smk"
include: "workflow/rules/budget.smk"


rule:
    name:
        "full-run"
    default_target: True
    input:
        "results/report.html",


rule:
    name:
        "artifact-evaluation"
    input:
        "results/report.html",
        "results/claims.json",
        "results/provenance.json",
        "results/nightly.txt",
        "results/tables/sensitivity.csv" if stages.core_variants else [],


rule:
    name:
        "accuracy-study"
    input:
        "results/tables/study.csv",


rule:
    name:
        "pareto-front"
    input:
        "results/tables/pareto.csv",


rule:
    name:
        "nightly-regression"
    input:
        "results/nightly.txt",


rule:
    name:
        "kernel-figures"
    input:
        "results/tables/throughput.csv",
        "results/tables/decomposition.csv",
        "results/tables/layers.csv",
        stages.kernel_tables,


rule:
    name:
        "tuner-quality"
    input:
        "results/tables/tuner_quality.csv",
