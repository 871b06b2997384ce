# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Targets of the workflow. docs/configuration.md documents what can be configured."""

from importlib.util import find_spec
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.settings.types import ExecMode

checkout = Path(workflow.basedir).resolve()
library = getattr(find_spec("colonnade"), "origin", None)
if library is None or Path(library).resolve().parents[1] != checkout / "workflow":
    raise WorkflowError(
        f"colonnade is {library or 'not installed'}, not from this checkout:"
        f" run `make env` in {checkout}, then `. .venv/bin/activate` (and unset PYTHONPATH if it is set)"
    )
if workflow.overwrite_workdir and Path.cwd() != checkout:
    raise WorkflowError(f"--directory {Path.cwd()}: a run stays in {checkout}; leave it out")

from colonnade.config.sources import parse_command_line
from colonnade.container import select_engine
from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import (
    BASELINES,
    BENCH,
    CHECKLIST,
    CLAIMS,
    DEFAULT_CONFIG,
    IMAGE,
    LIBRARY,
    OTHER_TARGETS,
    PEERS,
    PEERS_LIST,
    PHOTOGRAPH_PACKAGES,
    PROGRAMS,
    RUNNER,
    TIMING_MODEL,
    program,
)
from colonnade.report.contents import left_out, on_page
from colonnade.study.runs import START
from colonnade.workflow import inputs
from colonnade.workflow.crate import describe_run
from colonnade.workflow.job_settings import (
    FINETUNING,
    FOLDER,
    JUDGING,
    LAYERS,
    PRUNED_LAYERS,
    SECTIONS,
)
from colonnade.workflow.networks import DENSE
from colonnade.workflow.run import claim, find_programs
from colonnade.workflow.time_left import show_time_left
from colonnade.workflow.workflow import Workflow, code, launcher, one_of, run_wildcards

find_programs()


# So that `snakemake --snakefile` works from anywhere.
workdir: workflow.basedir


try:
    # Snakemake's own merge keeps keys of one variant of a section for another, and its own reading of
    # --config makes text of every nested value.
    given = workflow.config_settings
    files = [*map(Path, reversed(given.configfiles)), DEFAULT_CONFIG]
    plan = Workflow.from_config(parse_command_line(given.config_args or []), files)
    if workflow.exec_mode == ExecMode.DEFAULT and not workflow.output_settings.dryrun:
        folders = [Path(each) for each in (plan.config.results, "results", ".colonnade")]
        for message in claim(Path(".snakemake"), folders):
            logger.warning(message)
except ColonnadeError as error:
    raise WorkflowError(str(error)) from None


# Only now: of a damaged file, Snakemake does not say where.
configfile: str(DEFAULT_CONFIG)


show_time_left(logger, workflow.cores, plan.config.results)


# Rules say <results>/... for what depends on the configuration.
results = FOLDER


pathvars:
    results=plan.config.results,


onstart:
    # Said before the first job, not in the log of one.
    if workflow.local_exec:
        try:
            if any(job.rule.name == "toolchain" for job in workflow.dag.needrun_jobs()):
                select_engine(plan.config.container.engine)
            if plan.config.training.device == "cuda":
                from colonnade.training.hardware import require_device  # imports torch

                require_device(plan.config.training)
        except ColonnadeError as error:
            raise WorkflowError(str(error)) from None


def describe() -> None:
    """Leave the crate of the results, of a failed run too: of what it made before it failed."""
    try:
        describe_run(
            Path(plan.config.results),
            workflow.dag.jobs,
            [each.get_path_or_uri(secret_free=True) for each in workflow.included],
        )
    except ColonnadeError as error:
        raise WorkflowError(str(error)) from None


onsuccess:
    describe()


onerror:
    describe()


include: "workflow/rules/settings.smk"
include: "workflow/rules/toolchain.smk"
include: "workflow/rules/kernels.smk"
include: "workflow/rules/profile.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/prune.smk"
include: "workflow/rules/accuracy.smk"
include: "workflow/rules/throughput.smk"
include: "workflow/rules/validation.smk"
include: "workflow/rules/study.smk"


if plan.small_study is not None:

    include: "workflow/rules/small_study.smk"


include: "workflow/rules/budget.smk"
include: "workflow/rules/host.smk"
include: "workflow/rules/photographs.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/nightly.smk"
include: "workflow/rules/report.smk"


rule:
    name:
        "full-run"
    default_target: True
    input:
        rules.report.output,
        rules.claims.output,
        rules.provenance.output,
        rules.throughput_table.output,
        rules.accuracy_table.output,
        rules.packages_table.output,
        rules.packages_table.input.graphs,
        rules.packages_table.input.weights,
        rules.schedules.output.table,
        plan.machine.modelled(*rules.validation.output, *rules.bounds.output, *rules.packing.output),


rule:
    name:
        "artifact-evaluation"
    input:
        rules.checklist.output,


rule:
    name:
        "accuracy-study"
    input:
        rules.report.output,
        rules.study_table.output,


rule:
    name:
        "tile-curve"
    input:
        rules.report.output,
        rules.tile_curve.output,


rule:
    name:
        "recipe-search"
    input:
        rules.recipe_search.output,


rule:
    name:
        "pareto-front"
    input:
        rules.report.output,
        rules.pareto.output,


rule:
    name:
        "nightly-regression"
    input:
        rules.regression.output,


rule:
    name:
        "nightly-cycles"
    input:
        rules.layer_regression.output,


rule:
    name:
        "kernel-figures"
    input:
        rules.report.output,
        rules.throughput_table.output,
        rules.decomposition_table.output,
        rules.schedules.output.table,
        plan.machine.modelled(*rules.bounds.output, *rules.packing.output),


rule:
    name:
        "photographs"
    input:
        rules.report.output,
        rules.photographs_table.output,


rule:
    name:
        "other-cores"
    input:
        rules.throughput_cores_table.output,


rule:
    name:
        "dense-baselines"
    input:
        rules.report.output,
        rules.claims.output,
        rules.dense_baselines_table.output,


rule:
    name:
        "tuner-quality"
    input:
        rules.report.output,
        rules.tuner_quality.output,


rule:
    name:
        "host-comparison"
    input:
        rules.report.output,
        rules.comparison_table.output,


rule:
    name:
        "paper-figures"
    input:
        rules.paper_table.output,
        rules.paper_claims.output,
        rules.paper_figure.output,
