# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule evaluate:
    """Top-1 over the test split, in PyTorch and on emulated RISC-V."""
    input:
        stages.emulated.program("colonnade-run"),
        images=ancient(stages.images),
        settings=lambda _: stages.emulated.settings("target", "accuracy", *stages.JUDGING),
        checkpoint="<results>/train/{variant}.safetensors",
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
        code=stages.code("evaluate"),
    shell:
        "colonnade evaluate {input.settings} {wildcards.variant} {input.checkpoint} {input.graph}"
        " {input.schedules} {output} 2>&1 | tee {log}"


rule accuracy_table:
    input:
        settings=lambda _: stages.settings("model.name", "data", "pruning.patterns"),
        reports=expand(rules.evaluate.output, variant=stages.variants),
    output:
        "<results>/tables/accuracy.csv",
    log:
        "<results>/logs/accuracy-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("accuracy-table"),
    shell:
        "colonnade accuracy-table {input.settings} {output} {input.reports} 2> {log}"
