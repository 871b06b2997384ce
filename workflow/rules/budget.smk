# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule layer_sensitivity:
    """Validation loss with one layer pruned at a time."""
    input:
        images=ancient(stages.images),
        settings=lambda _: stages.settings(*stages.JUDGING, *stages.PRUNED_LAYERS),
        dense=rules.train.output,
        schedules=rules.schedules.output.schedules,
    output:
        "<results>/tables/layer_sensitivity.csv",
    log:
        "<results>/logs/layer-sensitivity.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=stages.code("layer-sensitivity"),
    shell:
        "colonnade layer-sensitivity {input.settings} {input.dense} {input.schedules} {output} 2>&1"
        " | tee {log}"


rule budget:
    """Choose a pattern for every layer."""
    input:
        settings=stages.settings(*stages.PRUNED_LAYERS),
        sensitivity=rules.layer_sensitivity.output,
        layers=rules.schedules.output.table,
        schedules=rules.schedules.output.schedules,
    output:
        "<results>/budget/{speedup}.json",
    log:
        "<results>/logs/budget-{speedup}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("budget"),
    shell:
        "colonnade budget {input.settings} {wildcards.speedup} {input.sensitivity} {input.layers}"
        " {input.schedules} {output} 2> {log}"


rule budget_prune:
    """Prune the dense network by a budget, and fine-tune it."""
    input:
        images=ancient(stages.images),
        settings=lambda _: stages.settings(*stages.FINETUNING),
        dense=rules.train.output,
        budget=rules.budget.output,
    output:
        "<results>/budget/{speedup}.safetensors",
    log:
        "<results>/logs/budget-{speedup}-prune.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=stages.code("budget-prune"),
        launch=stages.launcher(stages.config.training),
    shell:
        "{params.launch}colonnade budget-prune {input.settings} {input.budget} {input.dense} {output}"
        " 2>&1 | tee {log}"


rule pareto:
    """Top-1 against modelled cycles, per-layer and uniform patterns side by side."""
    input:
        images=ancient(stages.images),
        settings=lambda _: stages.settings("budget", "pruning.patterns", *stages.JUDGING),
        checkpoints=[
            *rules.train.output,
            *expand(rules.prune.output, variant=stages.variants[1:]),
            *expand(rules.budget_prune.output, speedup=stages.speedups),
        ],
        layers=rules.schedules.output.table,
    output:
        table="<results>/tables/pareto.csv",
        figure="<results>/figures/pareto.svg",
    log:
        "<results>/logs/pareto.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=stages.code("pareto"),
    shell:
        "colonnade pareto {input.settings} {input.layers} {output} {input.checkpoints} 2>&1 | tee {log}"
