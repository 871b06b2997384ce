# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule tile_options:
    """Run smaller tiles of a pruned convolution, each by its fastest schedule."""
    input:
        plan.machine.timed_program(BENCH),
        settings=plan.settings.of("profile", "throughput", "target", *PRUNED_LAYERS),
        profile=rules.profile.output,
    output:
        "<results>/budget/tiles/{conv}.json",
    log:
        "<results>/logs/tiles/{conv}.log",
    conda:
        "../envs/colonnade.yaml"
    threads: plan.machine.timing_threads(workflow.cores)
    params:
        code=code("step tile-options"),
    shell:
        "colonnade step tile-options {input.settings} {wildcards.conv} {input.profile} {output} 2>&1"
        " | tee {log}"


TILE_OPTIONS = expand(rules.tile_options.output, conv=plan.convolutions.distinct)


rule layer_sensitivity:
    """Validation loss with one layer pruned at a time."""
    input:
        images=ancient(inputs.images(plan.config.data)),
        settings=lambda _: plan.settings.of(*JUDGING, *PRUNED_LAYERS),
        dense=rules.train.output,
        schedules=rules.schedules.output.schedules,
        layers=rules.schedules.output.table,
        options=TILE_OPTIONS,
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
        "colonnade step layer-sensitivity {input.settings} {input.dense} {input.schedules} {input.layers}"
        " {output} {input.options} 2>&1 | tee {log}"


rule budget:
    """Choose a pattern and a tile for every layer."""
    input:
        settings=plan.settings.of(*PRUNED_LAYERS),
        sensitivity=rules.layer_sensitivity.output,
        layers=rules.schedules.output.table,
        schedules=TIMED_SCHEDULES,
        options=TILE_OPTIONS,
    output:
        plan="<results>/budget/{speedup}.json",
        schedules="<results>/budget/{speedup}-schedules.json",
    log:
        "<results>/logs/budget-{speedup}.log",
    wildcard_constraints:
        speedup=one_of(plan.networks.speedups),
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step budget"),
    shell:
        "colonnade step budget {input.settings} {wildcards.speedup} {input.sensitivity} {input.layers}"
        " {input.schedules} {output.plan} {output.schedules} {input.options} 2> {log}"


rule budget_prune:
    """Prune the dense network by a budget, and fine-tune it."""
    input:
        images=ancient(inputs.images(plan.config.data)),
        settings=lambda _: plan.settings.of(*FINETUNING),
        dense=rules.train.output,
        budget=rules.budget.output.plan,
    output:
        "<results>/budget/{speedup}.safetensors",
    log:
        "<results>/logs/budget-{speedup}-prune.log",
    wildcard_constraints:
        speedup=one_of(plan.networks.speedups),
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=code("step budget-prune"),
        launch=launcher(plan.config.training),
    shell:
        "{params.launch}colonnade step budget-prune {input.settings} {input.budget} {input.dense} {output}"
        " 2>&1 | tee {log}"


rule budget_package:
    """Export a network with a pattern for every layer for the runner."""
    input:
        rules.budget_prune.output,
    output:
        graph="<results>/budget/packages/{speedup}/graph.json",
        weights="<results>/budget/packages/{speedup}/weights.safetensors",
    log:
        "<results>/logs/budget-{speedup}-package.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step export"),
    shell:
        "colonnade step export {input} $(dirname {output.graph}) 2> {log}"


rule budget_throughput:
    """Run it on the target, by the schedules of its tiles."""
    input:
        plan.machine.timed_program(RUNNER),
        settings=plan.settings.of("target", "throughput"),
        images=rules.images.output,
        graph=rules.budget_package.output.graph,
        weights=rules.budget_package.output.weights,
        schedules=rules.budget.output.schedules,
    output:
        "<results>/budget/throughput/{speedup}.json",
    log:
        "<results>/logs/budget-{speedup}-throughput.log",
    conda:
        "../envs/colonnade.yaml"
    threads: plan.machine.timing_threads(workflow.cores)
    params:
        code=code("step throughput"),
    shell:
        "colonnade step throughput {input.settings} colnm_tuned {input.graph} {input.schedules}"
        " {input.images} {output} 2> {log}"


rule pareto:
    """Top-1 against time, per-layer and uniform patterns side by side."""
    input:
        images=ancient(inputs.images(plan.config.data)),
        settings=lambda _: plan.settings.of(
            "budget", "pruning.patterns", "target", "throughput.batch", *JUDGING
        ),
        checkpoints=[
            *rules.train.output,
            *expand(rules.prune.output, variant=plan.networks.variants[1:]),
            *expand(rules.budget_prune.output, speedup=plan.networks.speedups),
        ],
        runs=[
            *expand(rules.throughput.output, variant=DENSE, implementation="colnm_dense"),
            *expand(
                rules.throughput.output,
                variant=plan.networks.variants[1:],
                implementation="colnm_tuned",
            ),
            *expand(rules.budget_throughput.output, speedup=plan.networks.speedups),
        ],
        layers=rules.schedules.output.table,
        options=TILE_OPTIONS,
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
        options=lambda _, input: [f"--option '{each}'" for each in input.options],
        runs=lambda _, input: [f"--run '{each}'" for each in input.runs],
    shell:
        "colonnade step pareto {params.options} {params.runs} {input.settings} {input.layers} {output}"
        " {input.checkpoints} 2>&1 | tee {log}"
