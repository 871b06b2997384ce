# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule layer_sensitivity:
    """Validation loss with one layer pruned at a time."""
    input:
        images=ancient(inputs.images(plan.config.data)),
        settings=lambda _: plan.settings.of(*JUDGING, *PRUNED_LAYERS),
        dense=rules.train.output,
        schedules=rules.schedules.output.schedules,
    output:
        report(results.table("layer_sensitivity"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/layer-sensitivity.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=code("step layer-sensitivity"),
    shell:
        "colonnade step layer-sensitivity {input.settings} {input.dense} {input.schedules} {output} 2>&1"
        " | tee {log}"


rule budget:
    """Choose a pattern for every layer."""
    input:
        settings=plan.settings.of(*PRUNED_LAYERS),
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
        code=code("step budget"),
    shell:
        "colonnade step budget {input.settings} {wildcards.speedup} {input.sensitivity} {input.layers}"
        " {input.schedules} {output} 2> {log}"


rule budget_prune:
    """Prune the dense network by a budget, and fine-tune it."""
    input:
        images=ancient(inputs.images(plan.config.data)),
        settings=lambda _: plan.settings.of(*FINETUNING),
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
        code=code("step budget-prune"),
        launch=launcher(plan.config.training),
    shell:
        "{params.launch}colonnade step budget-prune {input.settings} {input.budget} {input.dense} {output}"
        " 2>&1 | tee {log}"


rule pareto:
    """Top-1 against modelled cycles, per-layer and uniform patterns side by side."""
    input:
        images=ancient(inputs.images(plan.config.data)),
        settings=lambda _: plan.settings.of("budget", "pruning.patterns", *JUDGING),
        checkpoints=[
            *rules.train.output,
            *expand(rules.prune.output, variant=plan.networks.variants[1:]),
            *expand(rules.budget_prune.output, speedup=plan.networks.speedups),
        ],
        layers=rules.schedules.output.table,
    output:
        table=report(results.table("pareto"), caption="../report/table.rst", category="Tables"),
        figure="<results>/figures/pareto.svg",
    log:
        "<results>/logs/pareto.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=code("step pareto"),
    shell:
        "colonnade step pareto {input.settings} {input.layers} {output} {input.checkpoints} 2>&1 | tee {log}"
