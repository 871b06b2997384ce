# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule kernels_riscv64:
    """Modified XNNPACK, runner, bench and tests for RISC-V with the vector extension."""
    input:
        stages.image,
        stages.kernel_sources,
    output:
        "results/build/riscv64/colonnade-run",
        "results/build/riscv64/colonnade-bench",
        "results/build/riscv64/colonnade-tests",
    log:
        "results/logs/kernels-riscv64.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    shell:
        "colonnade build riscv64 --log {log}"


rule kernels_host:
    """The same programs for this machine."""
    input:
        stages.image,
        stages.kernel_sources,
    output:
        "results/build/host/colonnade-run",
        "results/build/host/colonnade-bench",
        "results/build/host/colonnade-tests",
    log:
        "results/logs/kernels-host.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    shell:
        "colonnade build host --log {log}"


rule timing_model:
    """The X60 timing model, a plugin of the emulator."""
    input:
        stages.image,
        stages.timing_sources,
    output:
        "results/build/timing/libcolonnade-timing.so",
    log:
        "results/logs/timing.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade build timing --log {log}"
