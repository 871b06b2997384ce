# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Tables that only some targets make, by table, and sections of the report once they are asked for.
EXTRA_TABLES = {
    rules.tuner_quality.output[0]: "tuner-quality",
    rules.decomposition_table.output[0]: "kernel-figures",
    rules.study_table.output.summary: "accuracy-study",
    rules.pareto.output.table: "pareto-front",
}
if stages.core_variants:
    EXTRA_TABLES[rules.model_sensitivity.output.table] = "artifact-evaluation"


rule claims:
    input:
        throughput=rules.throughput_table.output,
        accuracy=rules.accuracy_table.output,
        packages=expand(rules.package.output, variant=stages.variants),
    output:
        "<results>/claims.json",
    log:
        "<results>/logs/claims.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("claims"),
    shell:
        "colonnade claims {input.throughput} {input.accuracy} {output} {input.packages} 2> {log}"


rule provenance:
    input:
        stages.image,
        settings=lambda _: stages.settings(*stages.SECTIONS),
        tables=[rules.throughput_table.output, rules.accuracy_table.output],
    output:
        "<results>/provenance.json",
    log:
        "<results>/logs/provenance.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("provenance"),
    shell:
        "colonnade provenance {input.settings} {output} 2> {log}"


rule report:
    """One page of everything that was made."""
    input:
        settings=stages.settings("pruning.patterns"),
        claims=rules.claims.output,
        provenance=rules.provenance.output,
        runs=rules.throughput_table.input.reports,
        evaluations=rules.accuracy_table.input.reports,
        tables=[
            rules.throughput_table.output,
            rules.accuracy_table.output,
            rules.schedules.output.table,
            stages.modelled(*rules.validation.output, *rules.bounds.output, *rules.packing.output),
        ],
        extra=lambda _: stages.shown(EXTRA_TABLES, workflow.dag_settings.targets),
    output:
        "<results>/report.html",
    log:
        "<results>/logs/report.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("report"),
    shell:
        "colonnade report {input.settings} {input.claims} {input.provenance} {output} {input.runs}"
        " {input.evaluations} {input.tables} {input.extra} 2> {log}"


rule regression:
    """Compare modelled cycles with the committed baseline."""
    input:
        settings=stages.settings("nightly"),
        table=rules.throughput_table.output,
        baseline=stages.baseline,
    output:
        "<results>/nightly.txt",
    log:
        "<results>/logs/nightly.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("regression"),
    shell:
        "colonnade regression {input.settings} {input.table} {output} {input.baseline} 2>&1 | tee {log}"
