# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

COMPARED = "<results>/comparison/{network}"


rule peers:
    """Install the engines that networks are compared with, in an environment of their own."""
    input:
        "requirements.txt",
        "requirements-cpu.txt",
        "requirements-cuda.txt",
        inputs.peers(),
        script="workflow/envs/peers.sh",
    output:
        str(PEERS_LIST),
    log:
        "results/build/logs/peers.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        folder=PEERS,
    shell:
        "sh {input.script} {params.folder} {output} > {log} 2>&1"


rule compared_profile:
    """Race the candidate schedules of one convolution of a network that is compared."""
    input:
        plan.host.machine.timed_program(BENCH),
        settings=lambda wildcards: plan.host.of(wildcards.network).of(
            "profile", "throughput", "target", *PRUNED_LAYERS
        ),
    output:
        f"{COMPARED}/profile/{{conv}}.json",
    log:
        "<results>/logs/comparison/{network}/{conv}.log",
    wildcard_constraints:
        network=one_of(plan.config.comparison.networks),
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=code("step profile"),
    shell:
        "colonnade step profile {input.settings} {wildcards.conv} {output} 2>&1 | tee {log}"


rule compared_schedules:
    """Choose the schedules of a network that is compared."""
    input:
        rules.toolchain.output,
        settings=lambda wildcards: plan.host.of(wildcards.network).of("target", *LAYERS),
        profiles=lambda wildcards: expand(
            rules.compared_profile.output,
            network=wildcards.network,
            conv=plan.host.convolutions(wildcards.network).distinct,
        ),
    output:
        schedules=f"{COMPARED}/schedules.json",
        table=f"{COMPARED}/layers.csv",
    log:
        "<results>/logs/comparison/{network}/schedules.log",
    wildcard_constraints:
        network=one_of(plan.config.comparison.networks),
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step schedules"),
    shell:
        "colonnade step schedules {input.settings} {output} {input.profiles} 2> {log}"


rule compared_refinement:
    """Try its schedules again inside it, dense and pruned."""
    input:
        plan.host.machine.timed_program(RUNNER),
        settings=lambda wildcards: plan.host.of(wildcards.network).of(
            "seed", "target", "throughput", "profile", "comparison.sparsities", *PRUNED_LAYERS
        ),
        schedules=rules.compared_schedules.output.schedules,
        profiles=rules.compared_schedules.input.profiles,
    output:
        schedules=f"{COMPARED}/refined/schedules.json",
        table=f"{COMPARED}/refined/refinement.csv",
    log:
        "<results>/logs/comparison/{network}/refine.log",
    wildcard_constraints:
        network=one_of(plan.config.comparison.networks),
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=code("step refine-compared"),
    shell:
        "colonnade step refine-compared {input.settings} {input.schedules} {output} {input.profiles}"
        " 2>&1 | tee {log}"


rule compare:
    """Run a network, dense and pruned, and the engines of others, side by side."""
    input:
        plan.host.machine.timed_program(RUNNER),
        settings=lambda wildcards: plan.host.of(wildcards.network).of(
            "seed", "target", "comparison", *PRUNED_LAYERS
        ),
        schedules=rules.compared_refinement.output.schedules,
        peers=rules.peers.output,
    output:
        f"{COMPARED}/measured.json",
    log:
        "<results>/logs/comparison/{network}/compare.log",
    wildcard_constraints:
        network=one_of(plan.config.comparison.networks),
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        code=code("step compare"),
        folder=PEERS,
    shell:
        "colonnade step compare {input.settings} {input.schedules} {params.folder} {input.peers} {output}"
        " 2>&1 | tee {log}"


rule comparison_table:
    """Medians, spread, and ratios to the best dense engine; prints them."""
    input:
        settings=plan.settings.of("comparison"),
        measured=expand(rules.compare.output, network=plan.config.comparison.networks),
    output:
        report(results.table("comparison"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/comparison-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table comparison"),
    shell:
        "colonnade table comparison {input.settings} {output} {input.measured} 2>&1 | tee {log}"
