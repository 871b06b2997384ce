#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# On a RISC-V runner: measure.sh PROGRAMS OUTPUT [ROUNDS [ITERATIONS]], with the archive that `make riscv-programs` was
# put into. A runner without the vector extension is no failure of ours: the log says so, OUTPUT which machine it is.
set -eu
programs=$1 output=$2
shift 2
mkdir -p "$output"
tar --extract --file "$programs"
status=0
sh riscv-programs/measure.sh "$output" "$@" || status=$?
if [ "$status" -eq 3 ]; then
    echo "::warning::this runner has no vector extension; nothing was measured"
    exit 0
fi
[ ! -e "$output/measured.csv" ] || cat "$output/measured.csv"
exit "$status"
