# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule evaluate:
    """Top-1 over the test split, in PyTorch and on emulated RISC-V."""
    input:
        plan.emulated.machine.program(RUNNER),
        images=ancient(inputs.images(plan.config.data)),
        settings=lambda _: plan.emulated.settings.of("target", "accuracy", *JUDGING),
        checkpoint=results.checkpoint("{variant}"),
        graph=rules.package.output.graph,
        weights=rules.package.output.weights,
        schedules=rules.schedules.output.schedules,
    output:
        "<results>/accuracy/{variant}.json",
    log:
        "<results>/logs/evaluate-{variant}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step evaluate"),
    shell:
        "colonnade step evaluate {input.settings} {wildcards.variant} {input.checkpoint} {input.graph}"
        " {input.schedules} {output} 2>&1 | tee {log}"


rule accuracy_table:
    input:
        settings=lambda _: plan.settings.of("model.name", "data", "pruning.patterns"),
        reports=expand(rules.evaluate.output, variant=plan.networks.variants),
    output:
        report(results.table("accuracy"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/accuracy-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table accuracy"),
    shell:
        "colonnade table accuracy {input.settings} {output} {input.reports} 2> {log}"
