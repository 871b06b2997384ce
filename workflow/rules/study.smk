# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule study_start:
    """Train the dense network from which all runs of a seed start."""
    input:
        images=ancient(stages.study_images),
        settings=lambda _: stages.settings(
            "model.name", "study.data", "study.training", "-study.training.finetune"
        ),
    output:
        "<results>/study/start/{seed}.safetensors",
    log:
        "<results>/logs/study/start-{seed}.log",
    conda:
        "../envs/colonnade.yaml"
    threads: stages.config.study.training.threads
    params:
        code=stages.code("study-start"),
        launch=stages.launcher(stages.config.study.training),
    shell:
        "{params.launch}colonnade study-start {input.settings} {wildcards.seed} {output} 2>&1"
        " | tee {log}"


rule study_finetune:
    """Prune and fine-tune one network of the study."""
    input:
        images=ancient(stages.study_images),
        settings=lambda wildcards: stages.study_settings(wildcards.run),
        dense=rules.study_start.output,
        schedules=rules.schedules.output.schedules,
    output:
        temp("<results>/study/{run}/{seed}.safetensors"),
    log:
        "<results>/logs/study/{run}-{seed}.log",
    wildcard_constraints:
        run=stages.one_of(run for run in stages.study_runs if run != "start"),
    conda:
        "../envs/colonnade.yaml"
    threads: stages.config.study.training.threads
    params:
        code=stages.code("study-finetune"),
        launch=stages.launcher(stages.config.study.training),
    shell:
        "{params.launch}colonnade study-finetune {input.settings} {wildcards.seed} {input.dense}"
        " {input.schedules} {output} 2>&1 | tee {log}"


rule study_evaluate:
    """Top-1 of one network of the study; its checkpoint is not needed any more."""
    input:
        images=ancient(stages.study_images),
        settings=lambda _: stages.settings(
            "study.data", "study.training", "-study.training.dense", "-study.training.finetune"
        ),
        checkpoint="<results>/study/{run}/{seed}.safetensors",
    output:
        "<results>/study/{run}/{seed}.json",
    log:
        "<results>/logs/study/{run}-{seed}-evaluate.log",
    conda:
        "../envs/colonnade.yaml"
    threads: stages.config.study.training.threads
    params:
        code=stages.code("study-evaluate"),
    shell:
        "colonnade study-evaluate {input.settings} {input.checkpoint} {output} 2>&1 | tee {log}"


rule study_table:
    """Means and intervals over seeds."""
    input:
        settings=stages.settings("study", "-study.data", "-study.training"),
        reports=expand(rules.study_evaluate.output, zip, **stages.study_wildcards),
    output:
        table="<results>/tables/study.csv",
        summary="<results>/tables/study_summary.csv",
        figure="<results>/figures/study.svg",
    log:
        "<results>/logs/study-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("study-table"),
    shell:
        "colonnade study-table {input.settings} {output} {input.reports} 2> {log}"
