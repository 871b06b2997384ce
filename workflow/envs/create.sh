#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Make the Python environment of this checkout in the folder $1; say nothing if it is there already.
# `dev` as $2 adds what checks, tests and documents need.
#
# Programs of an environment name its path. So one that was copied or moved with its checkout is made
# anew: its programs would still run the original, and packages would be installed there.
set -eu
cd "$(dirname "$0")/../.."
venv=$1
stamp=$venv/.installed
dev_stamp=$venv/.installed-dev

# What the environment is made for and of: its place, its Python, the packages.
base() {
    pwd -P
    "$venv/bin/python" -c 'import sys; print("Python %d.%d" % sys.version_info[:2])' 2>/dev/null || echo no Python
    cat requirements.txt requirements-cpu.txt requirements-cuda.txt workflow/envs/create.sh | sha256sum
}

# What can change without making it anew.
project() {
    sha256sum pyproject.toml
}

# Wherever the caller sends packages, these go into the environment.
pip() {
    env -u PIP_USER -u PIP_TARGET -u PIP_PREFIX -u PIP_ROOT -u PIP_PYTHON PIP_REQUIRE_HASHES=0 \
        "$venv/bin/python" -m pip --disable-pip-version-check "$@"
}

# Modules are compiled when they are first imported: of most packages that is a small part.
install() {
    pip install --no-deps --no-user --no-compile "$@"
}

create() {
    python=$(sh containers/host-setup.sh)
    # Not through an environment that is active: it may be the one to be removed.
    python=$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')
    echo "Creating $venv with $python"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    # Builds of PyTorch without CUDA are smaller, but not in every package index.
    if ! install --require-hashes -r requirements-cpu.txt 2>/dev/null; then
        echo "No PyTorch without CUDA in the package index: installing the one with CUDA"
    fi
    install --require-hashes -r requirements.txt
    if ! pip check >/dev/null; then
        install --require-hashes -r requirements-cuda.txt
        pip check
    fi
}

unset PYTHONPATH PYTHONHOME
# Two runs of make take turns.
exec 9<requirements.txt
flock 9
if [ -L "$venv" ] || [ "$(head -n 3 "$stamp" 2>/dev/null)" != "$(base)" ]; then
    create
fi
if [ "$(tail -n 1 "$stamp" 2>/dev/null)" != "$(project)" ]; then
    rm -f "$stamp"
    install --no-build-isolation -e .
    if ! "$venv/bin/python" -I -c 'import colonnade, snakemake'; then
        echo "error: packages did not go into $venv; is there a setting PIP_... or a pip.conf?" >&2
        exit 2
    fi
    { base && project; } >"$stamp"
fi
if [ "${2:-}" = dev ] && [ "$(cat "$dev_stamp" 2>/dev/null)" != "$(sha256sum requirements-dev.txt)" ]; then
    rm -f "$dev_stamp"
    install --require-hashes -r requirements-dev.txt
    pip check >/dev/null
    sha256sum requirements-dev.txt >"$dev_stamp"
fi
