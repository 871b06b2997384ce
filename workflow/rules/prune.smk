# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule train:
    """Train the dense network."""
    input:
        ancient(stages.weights),
        ancient(stages.images),
        settings=lambda _: stages.settings(
            "seed", "model", "data", "training", "-training.finetune"
        ),
    output:
        "<results>/train/dense.safetensors",
    log:
        "<results>/logs/train.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=stages.code("train"),
        launch=stages.launcher(stages.config.training),
    shell:
        "{params.launch}colonnade train {input.settings} {output} 2>&1 | tee {log}"


rule prune:
    """Mask the dense network with the tiles that profiling chose, and fine-tune it."""
    input:
        settings=lambda wildcards: stages.only(wildcards.variant).settings(
            *stages.FINETUNING, *stages.PRUNED_LAYERS
        ),
        images=ancient(stages.images),
        dense=rules.train.output,
        schedules=rules.schedules.output.schedules,
    output:
        "<results>/train/{variant}.safetensors",
    log:
        "<results>/logs/prune-{variant}.log",
    wildcard_constraints:
        variant=stages.one_of(stages.variants[1:]),
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=stages.code("prune"),
        launch=stages.launcher(stages.config.training),
    shell:
        "{params.launch}colonnade prune {input.settings} {wildcards.variant} {input.dense}"
        " {input.schedules} {output} 2>&1 | tee {log}"


rule package:
    """Export a checkpoint for the runner."""
    input:
        "<results>/train/{variant}.safetensors",
    output:
        graph="<results>/packages/{variant}/graph.json",
        weights="<results>/packages/{variant}/weights.safetensors",
    log:
        "<results>/logs/package-{variant}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("export"),
    shell:
        "colonnade export {input} $(dirname {output.graph}) 2> {log}"
