"""Targets of the workflow. `config/default.yaml` documents what can be configured."""

from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from colonnade.errors import ColonnadeError
from colonnade.time_left import show_time_left
from colonnade.workflow import Workflow


configfile: "config/default.yaml"


try:
    stages = Workflow.from_config(config, [Path(file) for file in workflow.configfiles])
except ColonnadeError as error:
    raise WorkflowError(str(error)) from None


show_time_left(logger, workflow.cores, stages.config.results)


# Rules say <results>/... for what depends on the configuration.
pathvars:
    results=stages.config.results,


include: "workflow/rules/settings.smk"
include: "workflow/rules/toolchain.smk"
include: "workflow/rules/kernels.smk"
include: "workflow/rules/profile.smk"
include: "workflow/rules/prune.smk"
include: "workflow/rules/accuracy.smk"
include: "workflow/rules/throughput.smk"
include: "workflow/rules/validation.smk"
include: "workflow/rules/study.smk"
include: "workflow/rules/budget.smk"
include: "workflow/rules/report.smk"


rule:
    name:
        "full-run"
    default_target: True
    input:
        rules.report.output,
        rules.report.input.claims,
        rules.report.input.provenance,
        rules.report.input.tables,


rule:
    name:
        "artifact-evaluation"
    input:
        "<results>/report.html",
        "<results>/claims.json",
        "<results>/provenance.json",
        "<results>/nightly.txt",
        "<results>/tables/sensitivity.csv" if stages.core_variants else [],


rule:
    name:
        "accuracy-study"
    input:
        "<results>/tables/study.csv",


rule:
    name:
        "pareto-front"
    input:
        "<results>/tables/pareto.csv",


rule:
    name:
        "nightly-regression"
    input:
        "<results>/nightly.txt",


rule:
    name:
        "kernel-figures"
    input:
        "<results>/tables/throughput.csv",
        "<results>/tables/decomposition.csv",
        "<results>/tables/layers.csv",
        stages.modelled("<results>/tables/bounds.csv", "<results>/tables/packing.csv"),


rule:
    name:
        "tuner-quality"
    input:
        "<results>/tables/tuner_quality.csv",
