rule profile:
    """Run the promising candidate schedules of one convolution on the target."""
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


rule bounds:
    """Compare the winners with what the core could do."""
    input:
        expand("results/profile/{conv}.json", conv=stages.convs),
    output:
        "results/tables/bounds.csv",
    log:
        "results/logs/bounds.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        settings=stages.fingerprint("model"),
    shell:
        "colonnade bounds-table {output} {input} 2> {log}"


rule packing:
    """What packing costs, beside the direct algorithm."""
    input:
        expand("results/profile/{conv}.json", conv=stages.convs),
    output:
        "results/tables/packing.csv",
    log:
        "results/logs/packing.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        settings=stages.fingerprint("model"),
    shell:
        "colonnade packing-table {output} {input} 2> {log}"


rule audit_tuner:
    """Run all candidate schedules of one convolution of the sample."""
    input:
        stages.programs,
    output:
        "results/tuner/{conv}.json",
    log:
        "results/logs/tuner/{conv}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        settings=stages.fingerprint("profile", "throughput", "target", "pruning", "model"),
    shell:
        "colonnade audit-tuner {wildcards.conv} {output} 2> {log}"


rule tuner_quality:
    """How often the prior's first candidates hold the best of all."""
    input:
        expand("results/tuner/{conv}.json", conv=stages.audited),
    output:
        "results/tables/tuner_quality.csv",
    log:
        "results/logs/tuner-quality.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade tuner-quality-table {output} {input} 2> {log}"
