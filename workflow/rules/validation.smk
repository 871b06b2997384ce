rule validation:
    """The timing model of the X60 against published measurements."""
    input:
        "results/toolchain/image.json",
        "results/build/timing/libcolonnade-timing.so",
        stages.validation_sources,
        core="kernels/timing/cores/x60.json",
    output:
        "results/tables/validation.csv",
    log:
        "results/logs/validation.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade validation {output} 2> {log}"


rule core_variant:
    """A core that differs from the target's in what is not known of it."""
    input:
        core=str(stages.target.core),
        band=str(stages.band),
    output:
        "results/sensitivity/{core}/core.json",
    log:
        "results/logs/core-variant-{core}.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade core-variant {wildcards.core} {output} 2> {log}"


rule throughput_on_core_variant:
    input:
        stages.programs,
        core="results/sensitivity/{core}/core.json",
        images="results/throughput/images.safetensors",
        package="results/packages/{variant}/graph.json",
        schedules="results/schedules.json",
    output:
        "results/sensitivity/{core}/{variant}/{implementation}.json",
    log:
        "results/logs/sensitivity-{core}-{variant}-{implementation}.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade throughput --core {input.core} {wildcards.implementation} {wildcards.variant} {output} 2> {log}"


rule model_sensitivity:
    """Which conclusions hold whatever the unknown parameters are."""
    input:
        [f"results/throughput/{variant}/{run}.json" for run, variant in stages.runs],
        [
            f"results/sensitivity/{core}/{variant}/{run}.json"
            for core in stages.core_variants
            for run, variant in stages.runs
        ],
    output:
        table="results/tables/sensitivity.csv",
        text="results/sensitivity.txt",
    log:
        "results/logs/model-sensitivity.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade model-sensitivity {output.table} {output.text} 2> {log}"
