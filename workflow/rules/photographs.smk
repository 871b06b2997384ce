# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

from colonnade.config.photographs import RUNS, VARIANTS


rule photograph_packages:
    """Install a network with ImageNet's weights, and photographs."""
    input:
        pins="workflow/envs/photographs.txt",
    output:
        directory(str(PHOTOGRAPH_PACKAGES)),
    log:
        "results/build/logs/photographs.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "python -m pip --disable-pip-version-check install --no-deps --require-hashes --no-compile"
        " --target {output} -r {input.pins} > {log} 2>&1"


rule photograph_networks:
    """Prune the network without training, with and without photographs, and compare in PyTorch."""
    input:
        packages=rules.photograph_packages.output,
    output:
        checkpoints=expand("<results>/photographs/{variant}.safetensors", variant=VARIANTS),
        images="<results>/photographs/images.safetensors",
        shown="<results>/photographs/shown.json",
        agreement="<results>/photographs/agreement.json",
    log:
        "<results>/logs/photograph-networks.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step photograph-networks"),
    shell:
        "colonnade step photograph-networks {input.packages} {output} 2>&1 | tee {log}"


rule photograph_run:
    """Run one of the networks on the photographs, on emulated RISC-V."""
    input:
        plan.emulated.machine.program(RUNNER),
        settings=plan.emulated.settings.of("target"),
        checkpoint="<results>/photographs/{variant}.safetensors",
        images=rules.photograph_networks.output.images,
    output:
        "<results>/photographs/{variant}-{dtype}.json",
    log:
        "<results>/logs/photographs-{variant}-{dtype}.log",
    wildcard_constraints:
        variant=one_of(VARIANTS),
        dtype=one_of(dict(RUNS).values()),
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step photograph-run"),
    shell:
        "colonnade step photograph-run {input.settings} {wildcards.variant} {wildcards.dtype}"
        " {input.checkpoint} {input.images} {output} 2>&1 | tee {log}"


rule photographs_table:
    """What the networks see in the photographs, and how far they agree with PyTorch and the dense one."""
    input:
        shown=rules.photograph_networks.output.shown,
        agreement=rules.photograph_networks.output.agreement,
        runs=[f"<results>/photographs/{variant}-{dtype}.json" for variant, dtype in RUNS],
    output:
        table=report(
            results.table("photographs"),
            caption="../report/table.rst",
            category="Tables",
        ),
        agreement=report(
            results.table("photograph_agreement"),
            caption="../report/table.rst",
            category="Tables",
        ),
    log:
        "<results>/logs/photographs-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table photographs"),
    shell:
        "colonnade table photographs {output} {input.shown} {input.agreement} {input.runs} 2> {log}"
