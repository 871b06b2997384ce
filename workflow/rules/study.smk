rule study_start:
    """Train the dense network from which all runs of a seed start."""
    output:
        "results/study/start/{seed}.safetensors",
    log:
        "results/logs/study/start-{seed}.log",
    conda:
        "../envs/colonnade.yaml"
    threads: stages.config.study.training.threads
    params:
        settings=stages.study_start_settings,
        launch=stages.launcher(stages.config.study.training),
    shell:
        "{params.launch}colonnade study-start {wildcards.seed} {output} 2>&1 | tee {log}"


rule study_finetune:
    """Prune and fine-tune one network of the study."""
    input:
        dense="results/study/start/{seed}.safetensors",
        schedules="results/schedules.json",
    output:
        temp("results/study/{run}/{seed}.safetensors"),
    log:
        "results/logs/study/{run}-{seed}.log",
    wildcard_constraints:
        run="(?!start)[^/]+",
    conda:
        "../envs/colonnade.yaml"
    threads: stages.config.study.training.threads
    params:
        settings=lambda wildcards: stages.study_run_settings(wildcards.run),
        launch=stages.launcher(stages.config.study.training),
    shell:
        "{params.launch}colonnade study-finetune {wildcards.run} {wildcards.seed} {input.dense}"
        " {input.schedules} {output} 2>&1 | tee {log}"


rule study_evaluate:
    """Top-1 of one network of the study; its checkpoint is not needed any more."""
    input:
        "results/study/{run}/{seed}.safetensors",
    output:
        "results/study/{run}/{seed}.json",
    log:
        "results/logs/study/{run}-{seed}-evaluate.log",
    conda:
        "../envs/colonnade.yaml"
    threads: stages.config.study.training.threads
    shell:
        "colonnade study-evaluate {input} {output} 2> {log}"


rule study_table:
    """Means and intervals over seeds."""
    input:
        [str(network.report) for network in stages.study_networks],
    output:
        table="results/tables/study.csv",
        summary="results/tables/study_summary.csv",
        figure="results/figures/study.svg",
    log:
        "results/logs/study-table.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade study-table {output.table} {output.summary} {output.figure} 2> {log}"
