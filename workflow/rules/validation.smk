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
