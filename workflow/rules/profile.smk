rule profile:
    """Run the promising candidate schedules of one convolution on the target."""
    input:
        stages.timed_program("colonnade-bench"),
        settings=stages.settings("profile", "throughput", "target", *stages.PRUNED_LAYERS),
    output:
        "<results>/profile/{conv}.json",
    log:
        "<results>/logs/profile/{conv}.log",
    conda:
        "../envs/colonnade.yaml"
    threads: stages.timing_threads(workflow.cores)
    params:
        code=stages.code("profile"),
    shell:
        "colonnade profile {input.settings} {wildcards.conv} {output} 2>&1 | tee {log}"


rule schedules:
    """Choose the fastest candidate of every convolution."""
    input:
        stages.image,
        settings=stages.settings("target", *stages.LAYERS),
        profiles=expand(rules.profile.output, conv=stages.convs),
    output:
        schedules="<results>/schedules.json",
        table="<results>/tables/layers.csv",
    log:
        "<results>/logs/schedules.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("schedules"),
    shell:
        "colonnade schedules {input.settings} {output} {input.profiles} 2> {log}"


rule bounds:
    """Compare the winners with what the core could do."""
    input:
        stages.image,
        stages.core,
        settings=stages.settings("target", "model.name", "throughput.threads"),
        profiles=rules.schedules.input.profiles,
    output:
        "<results>/tables/bounds.csv",
    log:
        "<results>/logs/bounds.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("bounds-table"),
    shell:
        "colonnade bounds-table {input.settings} {output} {input.profiles} 2> {log}"


rule packing:
    """What packing costs, beside the direct algorithm."""
    input:
        stages.image,
        settings=stages.settings("target", "model.name"),
        profiles=rules.schedules.input.profiles,
    output:
        "<results>/tables/packing.csv",
    log:
        "<results>/logs/packing.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("packing-table"),
    shell:
        "colonnade packing-table {input.settings} {output} {input.profiles} 2> {log}"


rule audit_tuner:
    """Run all candidate schedules of one convolution of the sample."""
    input:
        stages.timed_program("colonnade-bench"),
        settings=stages.settings("profile", "throughput", "target", *stages.PRUNED_LAYERS),
    output:
        "<results>/tuner/{conv}.json",
    log:
        "<results>/logs/tuner/{conv}.log",
    conda:
        "../envs/colonnade.yaml"
    threads: stages.timing_threads(workflow.cores)
    params:
        code=stages.code("audit-tuner"),
    shell:
        "colonnade audit-tuner {input.settings} {wildcards.conv} {output} 2>&1 | tee {log}"


rule tuner_quality:
    """How often the cost model's first candidates hold the best of all."""
    input:
        stages.image,
        settings=stages.settings("target", "model.name"),
        audits=expand(rules.audit_tuner.output, conv=stages.audited),
    output:
        "<results>/tables/tuner_quality.csv",
    log:
        "<results>/logs/tuner-quality.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        code=stages.code("tuner-quality-table"),
    shell:
        "colonnade tuner-quality-table {input.settings} {output} {input.audits} 2> {log}"
