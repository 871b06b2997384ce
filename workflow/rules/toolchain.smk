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
    # A part of the time it waits for the archive and unpacks, on one core: another one is for training, which needs
    # no toolchain.
    threads: max(1, workflow.cores - 1)
    params:
        engine=plan.config.container.engine,
    shell:
        "colonnade toolchain --engine {params.engine} {output} 2>&1 | tee {log}"
