# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule profile:
    """Run the promising candidate schedules of one convolution on the target."""
    input:
        plan.machine.timed_program(BENCH),
        settings=plan.settings.of("profile", "throughput", "target", *PRUNED_LAYERS),
    output:
        "<results>/profile/{conv}.json",
    log:
        "<results>/logs/profile/{conv}.log",
    conda:
        "../envs/colonnade.yaml"
    threads: plan.machine.timing_threads(workflow.cores)
    params:
        code=code("step profile"),
    shell:
        "colonnade step profile {input.settings} {wildcards.conv} {output} 2>&1 | tee {log}"


rule schedules:
    """Choose the fastest candidate of every convolution."""
    input:
        rules.toolchain.output,
        settings=plan.settings.of("target", *LAYERS),
        profiles=expand(rules.profile.output, conv=plan.convolutions.distinct),
    output:
        schedules="<results>/schedules.json",
        table=report(results.table("layers"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/schedules.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step schedules"),
    shell:
        "colonnade step schedules {input.settings} {output} {input.profiles} 2> {log}"


rule bounds:
    """Compare the winners with what the core could do."""
    input:
        rules.toolchain.output,
        plan.machine.core,
        settings=plan.settings.of("target", "model.name", "throughput.threads"),
        profiles=rules.schedules.input.profiles,
    output:
        report(results.table("bounds"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/bounds.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table bounds"),
    shell:
        "colonnade table bounds {input.settings} {output} {input.profiles} 2> {log}"


rule packing:
    """What packing costs, beside the direct algorithm."""
    input:
        rules.toolchain.output,
        settings=plan.settings.of("target", "model.name"),
        profiles=rules.schedules.input.profiles,
    output:
        report(results.table("packing"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/packing.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table packing"),
    shell:
        "colonnade table packing {input.settings} {output} {input.profiles} 2> {log}"


rule audit_tuner:
    """Run all candidate schedules of one convolution of the sample."""
    input:
        plan.machine.timed_program(BENCH),
        settings=plan.settings.of("profile", "throughput", "target", *PRUNED_LAYERS),
    output:
        "<results>/tuner/{conv}.json",
    log:
        "<results>/logs/tuner/{conv}.log",
    conda:
        "../envs/colonnade.yaml"
    threads: plan.machine.timing_threads(workflow.cores)
    params:
        code=code("step audit-tuner"),
    shell:
        "colonnade step audit-tuner {input.settings} {wildcards.conv} {output} 2>&1 | tee {log}"


rule tuner_quality:
    """How often the cost model's first candidates hold the best of all."""
    input:
        rules.toolchain.output,
        settings=plan.settings.of("target", "model.name"),
        audits=expand(rules.audit_tuner.output, conv=plan.convolutions.audited),
    output:
        report(results.table("tuner_quality"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/tuner-quality.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table tuner_quality"),
    shell:
        "colonnade table tuner_quality {input.settings} {output} {input.audits} 2> {log}"
