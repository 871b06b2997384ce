rule images:
    """Random images to time networks on."""
    output:
        "results/throughput/images.safetensors",
    log:
        "results/logs/images.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        settings=stages.fingerprint("seed", "throughput"),
    shell:
        "colonnade images {output} 2> {log}"


rule throughput:
    """Run one implementation of the whole network on the target."""
    input:
        stages.programs,
        images="results/throughput/images.safetensors",
        package="results/packages/{variant}/graph.json",
        schedules="results/schedules.json",
    output:
        "results/throughput/{variant}/{implementation}.json",
    log:
        "results/logs/throughput-{variant}-{implementation}.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade throughput {wildcards.implementation} {wildcards.variant} {output} 2> {log}"


rule throughput_table:
    input:
        [f"results/throughput/{variant}/{run}.json" for run, variant in stages.runs],
    output:
        "results/tables/throughput.csv",
    log:
        "results/logs/throughput-table.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade throughput-table {output} 2> {log}"


rule decomposition_table:
    """Where the speedup comes from."""
    input:
        [f"results/throughput/{step.variant}/{step.implementation}.json" for step in stages.steps],
    output:
        "results/tables/decomposition.csv",
    log:
        "results/logs/decomposition-table.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade decomposition-table {output} 2> {log}"
