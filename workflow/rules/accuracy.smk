rule evaluate:
    """Top-1 over the test split, in PyTorch and on emulated RISC-V."""
    input:
        stages.emulated_programs,
        checkpoint="results/train/{variant}.safetensors",
        package="results/packages/{variant}/graph.json",
        schedules="results/schedules.json",
    output:
        "results/accuracy/{variant}.json",
    log:
        "results/logs/evaluate-{variant}.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        settings=stages.fingerprint("accuracy"),
    shell:
        "colonnade evaluate {wildcards.variant} {output} 2>&1 | tee {log}"


rule accuracy_table:
    input:
        expand("results/accuracy/{variant}.json", variant=stages.variants),
    output:
        "results/tables/accuracy.csv",
    log:
        "results/logs/accuracy-table.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade accuracy-table {output} 2> {log}"
