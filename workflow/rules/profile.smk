rule profile:
    """Run every candidate schedule of one convolution on the target."""
    input:
        stages.programs,
    output:
        "results/profile/{conv}.json",
    log:
        "results/logs/profile/{conv}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        settings=stages.fingerprint("profile", "throughput", "target", "pruning"),
    shell:
        "colonnade profile {wildcards.conv} {output} 2> {log}"


rule schedules:
    """Choose the fastest candidate of every convolution."""
    input:
        expand("results/profile/{conv}.json", conv=stages.convs),
    output:
        schedules="results/schedules.json",
        table="results/tables/layers.csv",
    log:
        "results/logs/schedules.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        settings=stages.fingerprint("model"),
    shell:
        "colonnade schedules {output.schedules} {output.table} {input} 2> {log}"
