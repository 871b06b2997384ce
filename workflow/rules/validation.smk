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
        text="<results>/sensitivity.txt",
    log:
        "<results>/logs/model-sensitivity.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table sensitivity"),
    shell:
        "colonnade table sensitivity {input.settings} {output} {input.runs} 2> {log}"
