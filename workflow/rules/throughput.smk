# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule images:
    """Random images to time networks on."""
    input:
        settings=plan.settings.of("seed", "throughput.batch", "throughput.image_px"),
    output:
        "<results>/throughput/images.safetensors",
    log:
        "<results>/logs/images.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step images"),
    shell:
        "colonnade step images {input.settings} {output} 2> {log}"


rule refine:
    """Try schedules again inside whole networks, where time is measured."""
    input:
        plan.machine.timed_program(RUNNER),
        settings=plan.settings.of("target", "throughput", "profile", *PRUNED_LAYERS),
        schedules=rules.schedules.output.schedules,
        images=rules.images.output,
        profiles=rules.schedules.input.profiles,
        graphs=expand(rules.package.output.graph, variant=plan.networks.variants),
        weights=expand(rules.package.output.weights, variant=plan.networks.variants),
    output:
        schedules="<results>/refined/schedules.json",
        table=report(results.table("refinement"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/refine.log",
    conda:
        "../envs/colonnade.yaml"
    threads: plan.machine.timing_threads(workflow.cores)
    params:
        code=code("step refine"),
        graphs=lambda _, input: [f"--graph '{graph}'" for graph in input.graphs],
    shell:
        "colonnade step refine {params.graphs} {input.settings} {input.schedules} {input.images}"
        " {output.schedules} {output.table} {input.profiles} 2>&1 | tee {log}"


# Modelled time is exact, and what it makes of a convolution depends little on its neighbours.
TIMED_SCHEDULES = (
    rules.schedules.output.schedules if plan.target.is_emulated else rules.refine.output.schedules
)


rule throughput:
    """Run one implementation of the whole network on the target."""
    input:
        plan.machine.timed_program(RUNNER),
        settings=plan.settings.of("target", "throughput"),
        images=rules.images.output,
        graph=rules.package.output.graph,
        weights=rules.package.output.weights,
        schedules=TIMED_SCHEDULES,
    output:
        "<results>/throughput/{variant}/{implementation}.json",
    log:
        "<results>/logs/throughput-{variant}-{implementation}.log",
    conda:
        "../envs/colonnade.yaml"
    threads: plan.machine.timing_threads(workflow.cores)
    params:
        code=code("step throughput"),
    shell:
        "colonnade step throughput {input.settings} {wildcards.implementation} {input.graph}"
        " {input.schedules} {input.images} {output} 2> {log}"


rule throughput_table:
    input:
        rules.toolchain.output,
        settings=plan.settings.of("target", "throughput", "pruning.patterns"),
        reports=expand(rules.throughput.output, zip, **run_wildcards(plan.networks.runs)),
    output:
        report(results.table("throughput"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/throughput-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table throughput"),
    shell:
        "colonnade table throughput {input.settings} {output} {input.reports} 2> {log}"


rule throughput_on_target:
    """Run one implementation of the whole network on another target."""
    input:
        lambda wildcards: inputs.machine(wildcards.other).timed_program(RUNNER),
        settings=plan.settings.of("target", "throughput"),
        images=rules.images.output,
        graph=rules.package.output.graph,
        weights=rules.package.output.weights,
        schedules=rules.schedules.output.schedules,
    output:
        "<results>/cores/{other}/{variant}/{implementation}.json",
    log:
        "<results>/logs/throughput-{other}-{variant}-{implementation}.log",
    wildcard_constraints:
        other=one_of(OTHER_TARGETS),
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step throughput"),
    shell:
        "colonnade step throughput --target {wildcards.other} {input.settings}"
        " {wildcards.implementation} {input.graph} {input.schedules} {input.images} {output}"
        " 2> {log}"


rule throughput_cores_table:
    """The network on several cores, with the schedules of the configured one."""
    input:
        rules.toolchain.output,
        settings=plan.settings.of("target", "throughput", "pruning.patterns"),
        own=expand(rules.throughput.output, zip, **run_wildcards(plan.networks.core_runs)),
        others=[
            expand(
                rules.throughput_on_target.output,
                zip,
                other=[other] * len(plan.networks.core_runs),
                **run_wildcards(plan.networks.core_runs),
            )
            for other in OTHER_TARGETS
        ],
    output:
        report(results.table("throughput_cores"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/throughput-cores.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table throughput_cores"),
        others=[f"--target {other}" for other in OTHER_TARGETS],
    shell:
        "colonnade table throughput_cores {params.others} {input.settings} {output} {input.own}"
        " {input.others} 2> {log}"


rule decomposition_table:
    """Where the speedup comes from."""
    input:
        rules.toolchain.output,
        settings=plan.settings.of("target", "pruning.patterns"),
        reports=expand(
            rules.throughput.output,
            zip,
            **run_wildcards((step.implementation, step.variant) for step in plan.networks.steps),
        ),
    output:
        report(results.table("decomposition"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/decomposition-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table decomposition"),
    shell:
        "colonnade table decomposition {input.settings} {output} {input.reports} 2> {log}"
