# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule scope:
    """What all results of this folder share; see workflow/colonnade/workflow/scope.py."""
    output:
        results.scope,
    log:
        "<results>/logs/scope.log",
    localrule: True
    conda:
        "../envs/colonnade.yaml"
    params:
        text=plan.scope,
    shell:
        "printf '%s\\n' {params.text:q} > {output} 2> {log}"


rule settings:
    """What jobs read of the configuration: a file for each choice of sections."""
    input:
        ancient(rules.scope.output),
    output:
        results.settings("{digest}"),
    log:
        "<results>/logs/settings-{digest}.log",
    wildcard_constraints:
        digest="[0-9a-f]+",
    localrule: True
    conda:
        "../envs/colonnade.yaml"
    params:
        text=lambda wildcards: plan.settings.text(wildcards.digest),
    shell:
        "printf '%s\\n' {params.text:q} > {output} 2> {log}"
