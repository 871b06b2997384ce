# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

FIGURES = "<results>/figures"


rule figure_profile:
    """Run the promising candidate schedules of one convolution of a network of the paper."""
    input:
        plan.figures.machine.timed_program(BENCH),
        settings=lambda wildcards: plan.figures.of(wildcards.network).of(
            "profile", "throughput", "target", *PRUNED_LAYERS
        ),
    output:
        f"{FIGURES}/{{network}}/profile/{{conv}}.json",
    log:
        "<results>/logs/figures/{network}/{conv}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step profile"),
    shell:
        "colonnade step profile {input.settings} {wildcards.conv} {output} 2>&1 | tee {log}"


rule figure_schedules:
    """Choose the schedules of a network of the paper."""
    input:
        rules.toolchain.output,
        settings=lambda wildcards: plan.figures.of(wildcards.network).of("target", *LAYERS),
        profiles=lambda wildcards: expand(
            rules.figure_profile.output,
            network=wildcards.network,
            conv=plan.figures.convolutions(wildcards.network).distinct,
        ),
    output:
        schedules=f"{FIGURES}/{{network}}/schedules.json",
        table=f"{FIGURES}/{{network}}/layers.csv",
    log:
        "<results>/logs/figures/{network}/schedules.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step schedules"),
    shell:
        "colonnade step schedules {input.settings} {output} {input.profiles} 2> {log}"


rule paper_network:
    """Run a network of the paper, dense and pruned, by XNNPACK and by ours."""
    input:
        plan.figures.machine.timed_program(RUNNER),
        settings=lambda wildcards: plan.figures.of(wildcards.network).of(
            "seed", "target", "throughput", *PRUNED_LAYERS
        ),
        schedules=rules.figure_schedules.output.schedules,
    output:
        f"{FIGURES}/{{network}}/runs.json",
    log:
        "<results>/logs/figures/{network}/runs.log",
    wildcard_constraints:
        network=one_of(plan.config.figures.networks),
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step paper-network"),
    shell:
        "colonnade step paper-network {input.settings} {input.schedules} {output} 2>&1 | tee {log}"


rule paper_table:
    """The throughput of the paper's networks."""
    input:
        rules.toolchain.output,
        settings=plan.figures.settings.of("target", "throughput"),
        runs=expand(rules.paper_network.output, network=plan.config.figures.networks),
    output:
        f"{FIGURES}/throughput.csv",
    log:
        "<results>/logs/figures/table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table paper"),
    shell:
        "colonnade table paper {input.settings} {output} {input.runs} 2> {log}"


rule paper_claims:
    """What these networks say of the claims; those of accuracy are not run here."""
    input:
        definitions=CLAIMS,
        table=rules.paper_table.output,
    output:
        f"{FIGURES}/claims.json",
    log:
        "<results>/logs/figures/claims.log",
    localrule: True
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step claims"),
    shell:
        "colonnade step claims {input.definitions} {output} {input.table} 2> {log}"


rule paper_figure:
    input:
        rules.paper_table.output,
    output:
        f"{FIGURES}/throughput.svg",
    log:
        "<results>/logs/figures/figure.log",
    localrule: True
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step paper-figure"),
    shell:
        "colonnade step paper-figure {input} {output} 2> {log}"
