# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# What `full-run` has of the study, where the configuration leaves it in: the study's own jobs, given
# the small one's settings.
small = plan.small_study


use rule study_start as small_study_start with:
    input:
        images=ancient(inputs.images(small.config.data)),
        settings=lambda _: small.settings.of(
            "model.name", "study.data", "study.training", "-study.training.finetune"
        ),
    output:
        checkpoint=results.small_study(START, "{seed}", "safetensors"),
        metrics=results.small_study(START, "{seed}", "csv"),
    log:
        "<results>/logs/small-study/start-{seed}.log",
    threads: small.config.training.threads
    params:
        code=code("step study-start"),
        launch=launcher(small.config.training),


use rule study_finetune as small_study_finetune with:
    input:
        images=ancient(inputs.images(small.config.data)),
        settings=lambda wildcards: small.settings.of_run(wildcards.run),
        dense=rules.small_study_start.output.checkpoint,
        schedules=rules.schedules.output.schedules,
    output:
        temp(results.small_study("{run}", "{seed}", "safetensors")),
    log:
        "<results>/logs/small-study/{run}-{seed}.log",
    wildcard_constraints:
        run=one_of(run for run in small.networks.study_runs if run != START),
    threads: small.config.training.threads
    params:
        code=code("step study-finetune"),
        launch=launcher(small.config.training),


use rule study_evaluate as small_study_evaluate with:
    input:
        images=ancient(inputs.images(small.config.data)),
        settings=lambda _: small.settings.of(
            "study.data", "study.training", "-study.training.dense", "-study.training.finetune"
        ),
        checkpoint=results.small_study("{run}", "{seed}", "safetensors"),
    output:
        results.small_study("{run}", "{seed}", "json"),
    log:
        "<results>/logs/small-study/{run}-{seed}-evaluate.log",
    threads: small.config.training.threads


use rule study_table as small_study_table with:
    input:
        settings=small.settings.of("study", "-study.data", "-study.training"),
        reports=expand(
            rules.small_study_evaluate.output,
            zip,
            run=[run.label for run, _ in small.networks.study],
            seed=[seed for _, seed in small.networks.study],
        ),
    output:
        table=report(results.table("small_study"), caption="../report/table.rst", category="Tables"),
        summary=report(
            results.table("small_study_summary"), caption="../report/table.rst", category="Tables"
        ),
        figure="<results>/figures/small_study.svg",
    log:
        "<results>/logs/small-study-table.log",
