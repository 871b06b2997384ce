# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule validation:
    """The timing model of the X60 against published measurements."""
    input:
        rules.toolchain.output,
        rules.timing_model.output,
        inputs.validation_sources(),
        core=VALIDATED_CORE,
    output:
        report(results.table("validation"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/validation.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table validation"),
    shell:
        "colonnade table validation {output} 2> {log}"


rule core_variant:
    """A core that differs from the target's in what is not known of it."""
    input:
        plan.machine.core,
        band=plan.machine.band,
    output:
        "<results>/sensitivity/{core}/core.json",
    log:
        "<results>/logs/core-variant-{core}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step core-variant"),
        band=[f"--band {band}" for band in plan.machine.band],
    shell:
        "colonnade step core-variant {params.band} {wildcards.core} {output} 2> {log}"


rule throughput_on_core_variant:
    input:
        plan.machine.timed_program(RUNNER),
        settings=plan.settings.of("target", "throughput"),
        core=rules.core_variant.output,
        images=rules.images.output,
        graph=rules.package.output.graph,
        weights=rules.package.output.weights,
        schedules=rules.schedules.output.schedules,
    output:
        "<results>/sensitivity/{core}/{variant}/{implementation}.json",
    log:
        "<results>/logs/sensitivity-{core}-{variant}-{implementation}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step throughput"),
    shell:
        "colonnade step throughput --core {input.core} {input.settings} {wildcards.implementation}"
        " {input.graph} {input.schedules} {input.images} {output} 2> {log}"


rule model_sensitivity:
    """Which conclusions hold whatever the unknown parameters are."""
    input:
        settings=plan.settings.of("pruning.patterns"),
        band=plan.machine.band,
        nominal=rules.throughput_table.input.reports,
        varied=[
            expand(
                rules.throughput_on_core_variant.output,
                zip,
                core=[core] * len(plan.networks.runs),
                **run_wildcards(plan.networks.runs),
            )
            for core in plan.machine.core_variants
        ],
    output:
        table=report(results.table("sensitivity"), caption="../report/table.rst", category="Tables"),
        text="<results>/sensitivity.txt",
    log:
        "<results>/logs/model-sensitivity.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table sensitivity"),
        band=[f"--band {band}" for band in plan.machine.band],
    shell:
        "colonnade table sensitivity {params.band} {input.settings} {output} {input.nominal}"
        " {input.varied} 2> {log}"
