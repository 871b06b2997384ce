# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule toolchain:
    """Build the toolchain container, or find it built."""
    input:
        inputs.recipe(),
    output:
        IMAGE,
    log:
        "results/build/logs/toolchain.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        engine=plan.config.container.engine,
    shell:
        "colonnade toolchain --engine {params.engine} {output} 2>&1 | tee {log}"
