# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule kernels_riscv64:
    """Modified XNNPACK, runner, bench and tests for RISC-V with the vector extension."""
    input:
        rules.toolchain.output,
        inputs.kernel_sources(),
    output:
        [program("riscv64", name) for name in PROGRAMS],
    log:
        "results/build/logs/kernels-riscv64.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    shell:
        "colonnade build riscv64 --log {log}"


rule kernels_aarch64:
    """The same programs for Arm."""
    input:
        rules.toolchain.output,
        inputs.kernel_sources(),
    output:
        [program("aarch64", name) for name in PROGRAMS],
    log:
        "results/build/logs/kernels-aarch64.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    shell:
        "colonnade build aarch64 --log {log}"


rule kernels_host:
    """The same programs for this machine."""
    input:
        rules.toolchain.output,
        inputs.kernel_sources(),
    output:
        [program("host", name) for name in (*PROGRAMS, LIBRARY)],
    log:
        "results/build/logs/kernels-host.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    shell:
        "colonnade build host --log {log}"


rule timing_model:
    """The X60 timing model, a plugin of the emulator."""
    input:
        rules.toolchain.output,
        inputs.timing_sources(),
    output:
        TIMING_MODEL,
    log:
        "results/build/logs/timing.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade build timing --log {log}"


rule wheel:
    """The Python package with the programs for this machine, the same bytes for the same sources."""
    input:
        rules.kernels_host.output,
        inputs.library(),
    output:
        directory("results/wheel"),
    log:
        "results/build/logs/wheel.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "SOURCE_DATE_EPOCH=315532800 python -m pip --disable-pip-version-check wheel --no-deps"
        " --no-build-isolation --wheel-dir {output} . > {log} 2>&1"
