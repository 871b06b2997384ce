# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule train:
    """Train the dense network."""
    input:
        ancient(inputs.weights(plan.config.model)),
        ancient(inputs.images(plan.config.data)),
        settings=lambda _: plan.settings.of(
            "seed", "model", "data", "training", "-training.finetune"
        ),
    output:
        results.checkpoint(DENSE),
    log:
        "<results>/logs/train.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=code("step train"),
        launch=launcher(plan.config.training),
    shell:
        "{params.launch}colonnade step train {input.settings} {output} 2>&1 | tee {log}"


rule prune:
    """Mask the dense network with the tiles that profiling chose, and fine-tune it."""
    input:
        settings=lambda wildcards: plan.settings.of_variant(
            wildcards.variant, *FINETUNING, *PRUNED_LAYERS, "pruning.grouped"
        ),
        images=ancient(inputs.images(plan.config.data)),
        dense=rules.train.output,
        schedules=rules.schedules.output.schedules,
    output:
        results.checkpoint("{variant}"),
    log:
        "<results>/logs/prune-{variant}.log",
    wildcard_constraints:
        variant=one_of(plan.networks.variants[1:]),
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=code("step prune"),
        launch=launcher(plan.config.training),
    shell:
        "{params.launch}colonnade step prune {input.settings} {wildcards.variant} {input.dense}"
        " {input.schedules} {output} 2>&1 | tee {log}"


rule package:
    """Export a checkpoint for the runner."""
    input:
        results.checkpoint("{variant}"),
    output:
        graph="<results>/packages/{variant}/graph.json",
        weights="<results>/packages/{variant}/weights.safetensors",
    log:
        "<results>/logs/package-{variant}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step export"),
    shell:
        "colonnade step export {input} $(dirname {output.graph}) 2> {log}"


rule packages_table:
    """The size of every package."""
    input:
        settings=plan.settings.of("pruning.patterns"),
        graphs=expand(rules.package.output.graph, variant=plan.networks.variants),
        weights=expand(rules.package.output.weights, variant=plan.networks.variants),
    output:
        report(results.table("packages"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/packages-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table packages"),
    shell:
        "colonnade table packages {input.settings} {output} {input.graphs} 2> {log}"
