# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


# Sections of the page: which targets a run asks for its own process knows.
asked_for = lambda: on_page(SHOWN, workflow.dag_settings.targets)


rule claims:
    input:
        definitions=CLAIMS,
        tables=[
            rules.throughput_table.output,
            rules.accuracy_table.output,
            rules.packages_table.output,
        ],
        small_study=rules.small_study_table.output.table if plan.small_study else [],
        band=lambda _: (rules.model_sensitivity.output.band if "sensitivity" in asked_for() else []),
        baselines=lambda _: (
            rules.dense_baselines_table.output if "dense_baselines" in asked_for() else []
        ),
    output:
        report("<results>/claims.json", caption="../report/claims.rst", category="Claims"),
    log:
        "<results>/logs/claims.log",
    localrule: True
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step claims"),
    shell:
        "colonnade step claims {input.definitions} {output} {input.tables} {input.small_study}"
        " {input.band} {input.baselines} 2> {log}"


rule provenance:
    input:
        rules.toolchain.output,
        settings=lambda _: plan.settings.of(*SECTIONS),
        default=DEFAULT_CONFIG,
        tables=[rules.throughput_table.output, rules.accuracy_table.output],
    output:
        "<results>/provenance.json",
    log:
        "<results>/logs/provenance.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step provenance"),
    shell:
        "colonnade step provenance {input.settings} {input.default} {output} 2> {log}"


# What each section of the report shows, of those that this configuration can have.
SHOWN = {
    "nightly": rules.nights.output,
    "claims": rules.claims.output,
    "throughput": rules.throughput_table.output,
    "accuracy": [*rules.accuracy_table.output, *rules.accuracy_table.input.reports],
    "study": [rules.study_table.output.summary],
    "tile_curve": [rules.tile_curve.output.table],
    "pareto": [rules.pareto.output.table],
    "comparison": rules.comparison_table.output,
    "photographs": [*rules.photographs_table.output, rules.photograph_networks.output.shown],
    "layers": [*rules.throughput_table.output, *rules.throughput_table.input.reports],
    "decomposition": rules.decomposition_table.output,
    "schedules": [rules.schedules.output.table],
    "tuner_quality": rules.tuner_quality.output,
    "words": [],
    "provenance": [],
}
if plan.target.is_emulated:
    SHOWN |= {
        "cycles": SHOWN["layers"],
        "bounds": rules.bounds.output,
        "packing": rules.packing.output,
        "validation": rules.validation.output,
        "dense_baselines": rules.dense_baselines_table.output,
    }
else:
    SHOWN["refinement"] = [rules.refine.output.table]
if plan.small_study:
    SHOWN["small_study"] = [rules.small_study_table.output.summary]
if plan.machine.band:
    SHOWN["sensitivity"] = [
        rules.model_sensitivity.output.table,
        *(rules.retuned_table.output if plan.machine.retuned else []),
    ]


rule report_section:
    """One section of the report, from the tables that it shows."""
    input:
        provenance=rules.provenance.output,
        shown=lambda wildcards: SHOWN[wildcards.section],
    output:
        results.section("{section}"),
    log:
        "<results>/logs/report-{section}.log",
    wildcard_constraints:
        section=one_of(SHOWN),
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step section"),
    shell:
        "colonnade step section {wildcards.section} {input.provenance} {output} {input.shown} 2> {log}"


# Joined where it is known which sections are asked for.
rule report:
    """The page: sections of full-run and of the targets that were asked for."""
    input:
        throughput=rules.throughput_table.output,
        accuracy=rules.accuracy_table.output,
        claims=rules.claims.output,
        sections=lambda _: expand(rules.report_section.output, section=asked_for()),
    output:
        report(results.page, caption="../report/page.rst", category="Report"),
    log:
        "<results>/logs/report.log",
    localrule: True
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step report"),
        left_out=lambda _: [f"--left-out {name}" for name in left_out(SHOWN, asked_for())],
    shell:
        "colonnade step report {params.left_out} {input.throughput} {input.accuracy} {input.claims}"
        " {output} {input.sections} 2> {log}"


rule regression:
    """Compare modelled cycles with the committed baseline."""
    input:
        settings=plan.settings.of("nightly"),
        table=rules.throughput_table.output,
        baseline=inputs.baseline(),
    output:
        "<results>/nightly.txt",
    log:
        "<results>/logs/nightly.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step regression"),
    shell:
        "colonnade step regression {input.settings} {input.table} {output} {input.baseline} 2>&1 | tee {log}"


rule checklist:
    """Every claim beside what is expected of it: the last job of an artifact evaluation."""
    input:
        claims=rules.claims.output,
        before=[
            rules.report.output,
            rules.provenance.output,
            rules.regression.output,
            rules.model_sensitivity.output.table if plan.machine.band else [],
        ],
    output:
        f"<results>/{CHECKLIST}",
    log:
        "<results>/logs/checklist.log",
    localrule: True
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("step checklist"),
    shell:
        "colonnade step checklist {input.claims} {output} 2>&1 | tee {log}"
