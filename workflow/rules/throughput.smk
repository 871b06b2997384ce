# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule images:
    """Random images to time networks on."""
    input:
        settings=stages.settings("seed", "throughput.batch", "throughput.image_px"),
    output:
        "<results>/throughput/images.safetensors",
    log:
        "<results>/logs/images.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("images"),
    shell:
        "colonnade images {input.settings} {output} 2> {log}"


rule throughput:
    """Run one implementation of the whole network on the target."""
    input:
        stages.timed_program("colonnade-run"),
        settings=stages.settings("target", "throughput"),
        images=rules.images.output,
        graph=rules.package.output.graph,
        weights=rules.package.output.weights,
        schedules=rules.schedules.output.schedules,
    output:
        "<results>/throughput/{variant}/{implementation}.json",
    log:
        "<results>/logs/throughput-{variant}-{implementation}.log",
    conda:
        "../envs/colonnade.yaml"
    threads: stages.timing_threads(workflow.cores)
    params:
        code=stages.code("throughput"),
    shell:
        "colonnade throughput {input.settings} {wildcards.implementation} {input.graph}"
        " {input.schedules} {input.images} {output} 2> {log}"


rule throughput_table:
    input:
        stages.image,
        settings=stages.settings("target", "throughput", "pruning.patterns"),
        reports=expand(rules.throughput.output, zip, **stages.run_wildcards),
    output:
        "<results>/tables/throughput.csv",
    log:
        "<results>/logs/throughput-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("throughput-table"),
    shell:
        "colonnade throughput-table {input.settings} {output} {input.reports} 2> {log}"


rule decomposition_table:
    """Where the speedup comes from."""
    input:
        stages.image,
        settings=stages.settings("target", "pruning.patterns"),
        reports=expand(rules.throughput.output, zip, **stages.step_wildcards),
    output:
        "<results>/tables/decomposition.csv",
    log:
        "<results>/logs/decomposition-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("decomposition-table"),
    shell:
        "colonnade decomposition-table {input.settings} {output} {input.reports} 2> {log}"
