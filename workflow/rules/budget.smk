rule layer_sensitivity:
    """Validation loss with one layer pruned at a time."""
    input:
        dense="results/train/dense.safetensors",
        schedules="results/schedules.json",
    output:
        "results/tables/layer_sensitivity.csv",
    log:
        "results/logs/layer-sensitivity.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        settings=stages.fingerprint("pruning", "training"),
    shell:
        "colonnade layer-sensitivity {input.dense} {input.schedules} {output} 2>&1 | tee {log}"


rule budget:
    """Choose a pattern for every layer."""
    input:
        sensitivity="results/tables/layer_sensitivity.csv",
        layers="results/tables/layers.csv",
        schedules="results/schedules.json",
    output:
        "results/budget/{speedup}.json",
    log:
        "results/logs/budget-{speedup}.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade budget {wildcards.speedup} {input.sensitivity} {input.layers} {input.schedules}"
        " {output} 2> {log}"


rule budget_prune:
    """Prune the dense network by a budget, and fine-tune it."""
    input:
        dense="results/train/dense.safetensors",
        budget="results/budget/{speedup}.json",
    output:
        "results/budget/{speedup}.safetensors",
    log:
        "results/logs/budget-{speedup}-prune.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        settings=stages.fingerprint("pruning", "training"),
        launch=stages.launcher(stages.config.training),
    shell:
        "{params.launch}colonnade budget-prune {input.budget} {input.dense} {output} 2>&1"
        " | tee {log}"


rule pareto:
    """Top-1 against modelled cycles, per-layer and uniform patterns side by side."""
    input:
        [str(network.checkpoint) for network in stages.front],
        layers="results/tables/layers.csv",
    output:
        table="results/tables/pareto.csv",
        figure="results/figures/pareto.svg",
    log:
        "results/logs/pareto.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        settings=stages.fingerprint("budget"),
    shell:
        "colonnade pareto {input.layers} {output.table} {output.figure} 2> {log}"
