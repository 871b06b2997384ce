rule train:
    """Train the dense network."""
    output:
        "results/train/dense.safetensors",
    log:
        "results/logs/train.log",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        settings=stages.fingerprint("seed", "model", "data", "training"),
        launch=stages.launcher(stages.config.training),
    shell:
        "{params.launch}colonnade train {output} 2>&1 | tee {log}"


rule prune:
    """Mask the dense network with the tiles that profiling chose, and fine-tune it."""
    input:
        dense="results/train/dense.safetensors",
        schedules="results/schedules.json",
    output:
        "results/train/{variant}.safetensors",
    log:
        "results/logs/prune-{variant}.log",
    wildcard_constraints:
        variant="(?!dense)[^/]+",
    conda:
        "../envs/colonnade.yaml"
    threads: workflow.cores
    params:
        settings=stages.fingerprint("pruning", "training"),
        launch=stages.launcher(stages.config.training),
    shell:
        "{params.launch}colonnade prune {wildcards.variant} {input.dense} {input.schedules}"
        " {output} 2>&1 | tee {log}"


rule package:
    """Export a checkpoint for the runner."""
    input:
        "results/train/{variant}.safetensors",
    output:
        "results/packages/{variant}/graph.json",
        "results/packages/{variant}/weights.safetensors",
    log:
        "results/logs/package-{variant}.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade export {input} results/packages/{wildcards.variant} 2> {log}"
