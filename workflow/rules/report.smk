rule claims:
    input:
        "results/tables/throughput.csv",
        "results/tables/accuracy.csv",
    output:
        "results/claims.json",
    log:
        "results/logs/claims.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade claims {output} 2> {log}"


rule provenance:
    input:
        "results/toolchain/image.json",
        "results/tables/throughput.csv",
        "results/tables/accuracy.csv",
    output:
        "results/provenance.json",
    log:
        "results/logs/provenance.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade provenance {output} 2> {log}"


rule report:
    input:
        "results/tables/layers.csv",
        "results/claims.json",
        "results/provenance.json",
        stages.modelled_tables,
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    conda:
        "../envs/colonnade.yaml"
    shell:
        "colonnade report {output} 2> {log}"


rule regression:
    """Compare modelled cycles with the committed baseline."""
    input:
        "results/tables/throughput.csv",
        stages.baseline,
    output:
        "results/nightly.txt",
    log:
        "results/logs/nightly.log",
    conda:
        "../envs/colonnade.yaml"
    params:
        settings=stages.fingerprint("nightly"),
    shell:
        "colonnade regression {output} 2>&1 | tee {log}"
