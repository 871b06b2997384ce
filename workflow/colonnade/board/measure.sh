#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Measures the machine that this runs on with the programs of its folder: measure.sh OUTPUT [ROUNDS [ITERATIONS]]
# OUTPUT gets machine.json (what the machine says of itself) and measured.csv. The folder is one that `colonnade board
# programs` wrote. Exit status 3: the CPU has no vector extension of version 1.0, so nothing can be measured.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
output=$1 rounds=${2:-5} iterations=${3:-1000}
mkdir -p "$output"
output=$(cd "$output" && pwd)
cd "$here"

./colonnade-probe >"$output/machine.json"
vlen=$(sed -n 's/.*"vlen":\([0-9]*\).*/\1/p' "$output/machine.json")
if [ "${vlen:-0}" -eq 0 ]; then
    echo "no vector extension on this machine: $(cat "$output/machine.json")" >&2
    exit 3
fi

rows=$output/measured.csv.new
{
    echo kind,name,value,unit
    echo "machine,vlen,$vlen,bits"
    echo "machine,frequency,$(./board-frequency),MHz"
} >"$rows"

# Cycles of a sequence of instructions: by a chain of 2^18 additions that was timed beside it.
./board-microbenchmarks "$rounds" "$iterations" >"$output/ticks"
awk -v iterations="$iterations" '
    NR == FNR { unroll[FNR - 1] = $1; $1 = ""; name[FNR - 1] = substr($0, 2); next }
    { printf "instruction,%s,%.4f,cycles\n", name[$1], $2 / $3 * 262144 / unroll[$1] / iterations }
' sequences.txt "$output/ticks" >>"$rows"

for round in $(seq "$rounds"); do
    for program in kernels multiply xnnpack; do
        # Ticks, runs and reference, and then the kernel and its size.
        "./$program" >"$output/ticks"
        awk 'NR % 2 { cycles = $1 / $2 / $3 * 262144; next } { printf "kernel,%s %s,%.1f,cycles\n", $1, $2, cycles }' \
            "$output/ticks" >>"$rows"
    done
    ./colonnade-bench --shapes resnet18.txt --algorithm direct,packed,xnnpack_nhwc_dense --tile 14 --lmul 2 --panels 4 \
        --sparsity 0,0.75 --repetitions 3 >"$output/bench.jsonl"
    sed -n 's/.*"conv":"\([^"]*\)".*"algorithm":"\([^"]*\)".*"kept":\([0-9]*\).*"ms":\([0-9.e-]*\),.*/convolution,\1 \2 k\3,\4,ms/p' \
        "$output/bench.jsonl" >>"$rows"
    while read -r package implementation; do
        ./colonnade-run --package "packages/$package" --implementation "$implementation" --schedules schedules.json \
            --input images.safetensors --output "$output/logits" --report "$output/report.json" --repetitions 3 --warmup 1
        seconds=$(tr -d '\n' <"$output/report.json" | sed -n 's/.*"total": *{[^}]*"seconds": *\([0-9.e-]*\).*/\1/p')
        echo "network,$package $implementation,$seconds,s" >>"$rows"
    done <runs.txt
    echo "round $round of $rounds"
done
rm -f "$output/ticks" "$output/bench.jsonl" "$output/logits" "$output/report.json"
mv "$rows" "$output/measured.csv"
