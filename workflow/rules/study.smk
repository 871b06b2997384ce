# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause


rule study_start:
    """Train the dense network from which all runs of a seed start."""
    input:
        images=ancient(inputs.images(plan.config.study.data)),
        settings=lambda _: plan.settings.of(
            "model.name", "study.data", "study.training", "-study.training.finetune"
        ),
    output:
        checkpoint=results.study(START, "{seed}", "safetensors"),
        metrics=results.study(START, "{seed}", "csv"),
    log:
        "<results>/logs/study/start-{seed}.log",
    conda:
        "../envs/colonnade.yaml"
    threads: plan.config.study.training.threads
    params:
        code=code("step study-start"),
        launch=launcher(plan.config.study.training),
    shell:
        "{params.launch}colonnade step study-start {input.settings} {wildcards.seed} {output.checkpoint}"
        " 2>&1 | tee {log}"


rule study_finetune:
    """Prune and fine-tune one network of the study."""
    input:
        images=ancient(inputs.images(plan.config.study.data)),
        settings=lambda wildcards: plan.settings.of_run(wildcards.run),
        dense=rules.study_start.output.checkpoint,
        schedules=rules.schedules.output.schedules,
    output:
        temp(results.study("{run}", "{seed}", "safetensors")),
    log:
        "<results>/logs/study/{run}-{seed}.log",
    wildcard_constraints:
        run=one_of(run for run in plan.networks.study_runs if run != START),
    conda:
        "../envs/colonnade.yaml"
    threads: plan.config.study.training.threads
    params:
        code=code("step study-finetune"),
        launch=launcher(plan.config.study.training),
    shell:
        "{params.launch}colonnade step study-finetune {input.settings} {wildcards.seed} {input.dense}"
        " {input.schedules} {output} 2>&1 | tee {log}"


rule study_evaluate:
    """Top-1 of one network of the study; its checkpoint is not needed any more."""
    input:
        images=ancient(inputs.images(plan.config.study.data)),
        settings=lambda _: plan.settings.of(
            "study.data", "study.training", "-study.training.dense", "-study.training.finetune"
        ),
        checkpoint=results.study("{run}", "{seed}", "safetensors"),
    output:
        results.study("{run}", "{seed}", "json"),
    log:
        "<results>/logs/study/{run}-{seed}-evaluate.log",
    conda:
        "../envs/colonnade.yaml"
    threads: plan.config.study.training.threads
    params:
        code=code("step study-evaluate"),
    shell:
        "colonnade step study-evaluate {input.settings} {input.checkpoint} {output} 2>&1 | tee {log}"


rule study_table:
    """Means and intervals over seeds."""
    input:
        settings=plan.settings.of("study", "-study.data", "-study.training"),
        reports=expand(
            rules.study_evaluate.output,
            zip,
            run=[run.label for run, _ in plan.networks.study],
            seed=[seed for _, seed in plan.networks.study],
        ),
    output:
        table=report(results.table("study"), caption="../report/table.rst", category="Tables"),
        summary=report(
            results.table("study_summary"), caption="../report/table.rst", category="Tables"
        ),
        figure="<results>/figures/study.svg",
    log:
        "<results>/logs/study-table.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table study"),
    shell:
        "colonnade table study {input.settings} {output} {input.reports} 2>&1 | tee {log}"


rule tile_curve:
    """Top-1 of the study against T and M, with the time of all convolutions beside it."""
    input:
        settings=plan.settings.of(
            "study", "-study.data", "-study.training", *PRUNED_LAYERS, "-pruning.patterns"
        ),
        summary=rules.study_table.output.summary,
        layers=rules.schedules.output.table,
    output:
        table=report(results.table("tile_curve"), caption="../report/table.rst", category="Tables"),
        figure="<results>/figures/tile_curve.svg",
    log:
        "<results>/logs/tile-curve.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table tile_curve"),
    shell:
        "colonnade table tile_curve {input.settings} {output} {input.summary} {input.layers} 2> {log}"


# The runs of the study that the search compares candidates with.
SEARCHED = {"control": DENSE, "pruned": plan.config.study.recipe_pattern.label}


rule study_candidate:
    """Fine-tune the dense network of the first seed, as it is or pruned, as a candidate says."""
    input:
        images=ancient(inputs.images(plan.config.study.data)),
        settings=lambda wildcards: plan.settings.of_candidate(
            wildcards.candidate, SEARCHED[wildcards.network]
        ),
        dense=results.study(START, str(plan.config.study.seeds[0]), "safetensors"),
        schedules=rules.schedules.output.schedules,
    output:
        checkpoint=temp("<results>/study/search/{candidate}/{network}.safetensors"),
        metrics="<results>/study/search/{candidate}/{network}.csv",
    log:
        "<results>/logs/study/search-{candidate}-{network}.log",
    wildcard_constraints:
        candidate=one_of(plan.config.study.candidates),
        network=one_of(SEARCHED),
    conda:
        "../envs/colonnade.yaml"
    threads: plan.config.study.training.threads
    params:
        code=code("step study-finetune"),
        launch=launcher(plan.config.study.training),
        seed=plan.config.study.seeds[0],
    shell:
        "{params.launch}colonnade step study-finetune {input.settings} {params.seed} {input.dense}"
        " {input.schedules} {output.checkpoint} 2>&1 | tee {log}"


rule recipe_search:
    """Which candidate does not harm the dense network and serves the pruned one best."""
    input:
        settings=plan.settings.of(
            "study.candidates", "study.recipe_sparsity", "study.control_drop_points"
        ),
        start=results.study(START, str(plan.config.study.seeds[0]), "csv"),
        metrics=expand(
            rules.study_candidate.output.metrics,
            candidate=plan.config.study.candidates,
            network=["control", "pruned"],
        ),
    output:
        report(results.table("recipe_search"), caption="../report/table.rst", category="Tables"),
    log:
        "<results>/logs/recipe-search.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=code("table recipe_search"),
    shell:
        "colonnade table recipe_search {input.settings} {output} {input.start} {input.metrics} 2>&1"
        " | tee {log}"
