# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule validation:
    """The timing model of the X60 against published measurements."""
    input:
        stages.image,
        rules.timing_model.output,
        stages.validation_sources,
        core="kernels/timing/cores/x60.json",
    output:
        "<results>/tables/validation.csv",
    log:
        "<results>/logs/validation.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("validation"),
    shell:
        "colonnade validation {output} 2> {log}"


rule core_variant:
    """A core that differs from the target's in what is not known of it."""
    input:
        stages.core,
        band=stages.band,
    output:
        "<results>/sensitivity/{core}/core.json",
    log:
        "<results>/logs/core-variant-{core}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("core-variant"),
        band=[f"--band {band}" for band in stages.band],
    shell:
        "colonnade core-variant {params.band} {wildcards.core} {output} 2> {log}"


rule throughput_on_core_variant:
    input:
        stages.timed_program("colonnade-run"),
        settings=stages.settings("target", "throughput"),
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
        code=stages.code("throughput"),
    shell:
        "colonnade throughput --core {input.core} {input.settings} {wildcards.implementation}"
        " {input.graph} {input.schedules} {input.images} {output} 2> {log}"


rule model_sensitivity:
    """Which conclusions hold whatever the unknown parameters are."""
    input:
        settings=stages.settings("pruning.patterns"),
        band=stages.band,
        nominal=rules.throughput_table.input.reports,
        varied=[
            expand(
                rules.throughput_on_core_variant.output,
                zip,
                core=[core] * len(stages.runs),
                **stages.run_wildcards,
            )
            for core in stages.core_variants
        ],
    output:
        table="<results>/tables/sensitivity.csv",
        text="<results>/sensitivity.txt",
    log:
        "<results>/logs/model-sensitivity.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("model-sensitivity"),
        band=[f"--band {band}" for band in stages.band],
    shell:
        "colonnade model-sensitivity {params.band} {input.settings} {output} {input.nominal}"
        " {input.varied} 2> {log}"
