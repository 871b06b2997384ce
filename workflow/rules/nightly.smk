# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Cycles alone: nothing here depends on training, on tuning or on the configured network.
matrix = plan.config.nightly.matrix


wildcard_constraints:
    night_target=one_of(matrix.targets),
    night_threads=one_of(map(str, matrix.threads)),
    night_dtype=one_of(matrix.dtypes),


rule nightly_network:
    """A network of fixed weights, with the cost model's schedules for a target and so many threads."""
    input:
        lambda wildcards: inputs.machine(wildcards.night_target).core,
        settings=plan.settings.of("nightly.matrix", "profile"),
    output:
        directory("<results>/nightly/networks/{night_network}/{night_target}-{night_threads}"),
    log:
        "<results>/logs/nightly-network-{night_network}-{night_target}-{night_threads}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step nightly-network"),
    shell:
        "colonnade step nightly-network --target {wildcards.night_target}"
        " --threads {wildcards.night_threads} {input.settings} {wildcards.night_network} {output}"
        " 2> {log}"


rule nightly_run:
    """Its cycles, layer by layer, and how far its outputs are from PyTorch's."""
    input:
        lambda wildcards: inputs.machine(wildcards.night_target).timed_program(RUNNER),
        settings=plan.settings.of("nightly.matrix"),
        package=rules.nightly_network.output,
    output:
        "<results>/nightly/runs/{night_network}/{night_target}-{night_threads}-{night_dtype}.json",
    log:
        "<results>/logs/nightly-{night_network}-{night_target}-{night_threads}-{night_dtype}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step nightly-run"),
    shell:
        "colonnade step nightly-run --target {wildcards.night_target}"
        " --threads {wildcards.night_threads} --dtype {wildcards.night_dtype} {input.settings}"
        " {input.package} {output} 2> {log}"


night_runs = expand(
    rules.nightly_run.output,
    night_network=matrix.networks,
    night_target=matrix.targets,
    night_threads=matrix.threads,
    night_dtype=matrix.dtypes,
)
against_baseline = lambda _, input: [f"--baseline {file}" for file in input.baseline]


# A plain copy of what the history says of these runs: it grows from night to night.
rule nights:
    """Remember the cycles of this night, and tell those of all nights."""
    input:
        runs=night_runs,
        baseline=inputs.layer_baseline(),
    output:
        report(results.table("nights"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/nights.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step nights"),
        baseline=against_baseline,
    shell:
        "colonnade step nights {params.baseline} {output} {input.runs} 2> {log}"


rule night_page:
    """The figures of all nights in a page of their own, which needs no other results."""
    input:
        rules.nights.output,
    output:
        report("<results>/nights.html", caption="../report/nights.rst", category="Report"),
    log:
        "<results>/logs/night-page.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step night-page"),
    shell:
        "colonnade step night-page {input} {output} 2> {log}"


rule layer_regression:
    """Compare every layer with the committed baseline; what is for others to read is written in any case."""
    input:
        settings=plan.settings.of("nightly.allowed_slowdown_percent"),
        runs=night_runs,
        baseline=inputs.layer_baseline(),
        before=rules.night_page.output,
    output:
        "<results>/nightly-layers.txt",
    log:
        log="<results>/logs/nightly-layers.log",
        summary="<results>/nightly/summary.md",
        junit="<results>/nightly/junit.xml",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step layer-regression"),
        baseline=against_baseline,
    shell:
        "colonnade step layer-regression {params.baseline} {input.settings} {output} {log.summary}"
        " {log.junit} {input.runs} 2>&1 | tee {log.log}"
