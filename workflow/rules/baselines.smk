# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule kernels_baselines:
    """The dense baselines for RISC-V, with OpenBLAS, and oneDNN where its sources are given: built where those of RISC-V are."""
    input:
        rules.toolchain.output,
        rules.kernels_riscv64.output,
        onednn=inputs.onednn(plan.config.baselines),
    output:
        program("riscv64", BASELINES),
    log:
        "results/build/logs/kernels-baselines.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        onednn=lambda wildcards, input: ["--onednn", *input.onednn] if input.onednn else [],
    shell:
        "colonnade build baselines {params.onednn:q} --log {log}"


rule dense_baselines:
    """Run dense baselines of one convolution."""
    input:
        plan.machine.timed_program(BENCH),
        rules.kernels_baselines.output,
        settings=plan.settings.of("profile.seed", "throughput.threads", "target"),
    output:
        "<results>/baselines/{conv}.json",
    log:
        "<results>/logs/baselines/{conv}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step dense-baselines"),
    shell:
        "colonnade step dense-baselines {input.settings} {wildcards.conv} {output} 2> {log}"


rule dense_baselines_table:
    """Dense ways to compute the network's convolutions, beside pruned ones."""
    input:
        rules.toolchain.output,
        settings=plan.settings.of("target", *LAYERS),
        profiles=rules.schedules.input.profiles,
        baselines=expand(rules.dense_baselines.output, conv=plan.convolutions.distinct),
    output:
        report(results.table("dense_baselines"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/dense-baselines.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table dense_baselines"),
    shell:
        "colonnade table dense_baselines {input.settings} {output} {input.profiles} {input.baselines}"
        " 2> {log}"
