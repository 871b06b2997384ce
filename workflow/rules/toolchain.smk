# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule toolchain:
    """Build the toolchain container, or find it built."""
    input:
        stages.recipe,
    output:
        "results/toolchain/image.json",
    log:
        "results/logs/toolchain.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        engine=stages.config.container.engine,
    shell:
        "colonnade toolchain --engine {params.engine} {output} 2>&1 | tee {log}"
