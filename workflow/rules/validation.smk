# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule validation:
    """The timing model against published measurements."""
    input:
        rules.toolchain.output,
        rules.timing_model.output,
        inputs.validation_sources(),
        cores=inputs.validated_cores(),
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


rule over_band:
    """Model one run of a network on every core of the band."""
    input:
        plan.machine.timed_program(RUNNER),
        settings=plan.settings.of("target", "throughput"),
        band=plan.machine.band,
        images=rules.images.output,
        graph=rules.package.output.graph,
        weights=rules.package.output.weights,
        schedules=rules.schedules.output.schedules,
    output:
        "<results>/sensitivity/{variant}/{implementation}-{dtype}-{threads}.json",
    log:
        "<results>/logs/over-band-{variant}-{implementation}-{dtype}-{threads}.log",
    wildcard_constraints:
        dtype=r"\w+",
        threads=r"\d+",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step over-band"),
        band=[f"--band {band}" for band in plan.machine.band],
    shell:
        "colonnade step over-band {params.band} {input.settings} {wildcards.implementation}"
        " {wildcards.dtype} {wildcards.threads} {input.graph} {input.schedules} {input.images}"
        " {output} 2> {log}"


rule band_core:
    """Describe a core of the band."""
    input:
        plan.machine.core,
        band=plan.machine.band,
    output:
        "<results>/retuned/{core}/core.json",
    log:
        "<results>/logs/band-core-{core}.log",
    wildcard_constraints:
        core=one_of(plan.machine.retuned),
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step band-core"),
    shell:
        "colonnade step band-core {input.band} {wildcards.core} {output} 2> {log}"


rule retune:
    """Tune the network's schedules again for a core of the band, in all but their tiles."""
    input:
        plan.machine.timed_program(BENCH),
        settings=plan.settings.of("profile", "throughput", "target", *PRUNED_LAYERS),
        core=rules.band_core.output,
        schedules=rules.schedules.output.schedules,
    output:
        "<results>/retuned/{core}/schedules.json",
    log:
        "<results>/logs/retune-{core}.log",
    wildcard_constraints:
        core=one_of(plan.machine.retuned),
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step retune"),
    shell:
        "colonnade step retune {input.settings} {input.core} {input.schedules} {output} 2>&1"
        " | tee {log}"


rule throughput_retuned:
    """Run the whole network on a core of the band with the schedules that were tuned for it."""
    input:
        plan.machine.timed_program(RUNNER),
        settings=plan.settings.of("target", "throughput"),
        images=rules.images.output,
        graph=rules.package.output.graph,
        weights=rules.package.output.weights,
        core=rules.band_core.output,
        schedules=rules.retune.output,
    output:
        "<results>/retuned/{core}/{variant}/{implementation}.json",
    log:
        "<results>/logs/throughput-retuned-{core}-{variant}-{implementation}.log",
    wildcard_constraints:
        core=one_of(plan.machine.retuned),
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step throughput"),
    shell:
        "colonnade step throughput --core {input.core} {input.settings} {wildcards.implementation}"
        " {input.graph} {input.schedules} {input.images} {output} 2> {log}"


rule model_sensitivity:
    """What the unknown parameters leave of each value, and which conclusions hold whatever they are."""
    input:
        rules.toolchain.output,
        settings=plan.settings.of("target", "throughput", "pruning.patterns"),
        runs=expand(
            rules.over_band.output,
            zip,
            **{
                field: [getattr(run, field) for run in plan.networks.band_runs]
                for field in ("implementation", "variant", "dtype", "threads")
            },
        ),
    output:
        table=report(results.table("sensitivity"), caption="../report/table.rst", category="Tables"),
        band=report(
            results.table("throughput_band"), caption="../report/table.rst", category="Tables"
        ),
        text="<results>/sensitivity.md",
    log:
        "<results>/logs/model-sensitivity.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table sensitivity"),
    shell:
        "colonnade table sensitivity {input.settings} {output} {input.runs} 2> {log}"


rule retuned_table:
    """What tuning for a core of the band gains on it."""
    input:
        rules.toolchain.output,
        settings=plan.settings.of("target", "throughput", "pruning.patterns"),
        band=rules.model_sensitivity.output.band,
        reports=[
            expand(
                rules.throughput_retuned.output,
                zip,
                core=[core] * len(plan.networks.retuned_runs),
                **run_wildcards(plan.networks.retuned_runs),
            )
            for core in plan.machine.retuned
        ],
    output:
        report(
            results.table("sensitivity_retuned"), caption="../report/table.rst", category="Tables"
        ),
    log:
        "<results>/logs/retuned-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table sensitivity_retuned"),
        cores=[f"--core {core}" for core in plan.machine.retuned],
    shell:
        "colonnade table sensitivity_retuned {params.cores} {input.settings} {output} {input.band}"
        " {input.reports} 2> {log}"
