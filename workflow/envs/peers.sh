#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Make the environment of the engines that `host-comparison` compares with in the folder $1, and write to $2 a
# line for each of them: its name, a tab, and nothing or why it cannot be installed.
#
# It has the project's packages, PyTorch among them, and those of workflow/envs/peers.
set -eu
venv=$1
list=$2

pip() {
    env -u PIP_USER -u PIP_TARGET -u PIP_PREFIX -u PIP_ROOT -u PIP_PYTHON -u PYTHONPATH PIP_REQUIRE_HASHES=0 \
        "$venv/bin/python" -m pip --disable-pip-version-check install --no-deps --no-user --require-hashes -r "$@"
}

rm -rf "$venv"
# Not through the environment that is active: this one is to outlive it.
"$(python -c 'import os, sys; print(os.path.realpath(sys.executable))')" -m venv "$venv"
pip requirements-cpu.txt 2>/dev/null || echo "No PyTorch without CUDA in the package index: installing the one with CUDA"
pip requirements.txt
"$venv/bin/python" -c 'import torch' 2>/dev/null || pip requirements-cuda.txt
: >"$list.new"
for pins in workflow/envs/peers/*.txt; do
    engine=$(basename "$pins" .txt)
    reason=
    pip "$pins" 2>"$venv/log" || reason="not installed: $(grep -v WARNING "$venv/log" | tail -n 1)"
    printf '%s\t%s\n' "$engine" "$reason" >>"$list.new"
done
mv "$list.new" "$list"
