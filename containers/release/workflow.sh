#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Unpack the sources in /colonnade, and make there what the first run of the workflow would: the Python environment, from
# packages that came with the sources, and the programs for RISC-V.
set -eu
. /opt/colonnade/release/versions.env
tar -C /colonnade -xf /release/source.tar
cd /colonnade

echo "==> the Python environment"
# The toolchain's own scripts need the other Python, so only here is this one the first.
mkdir /release/bin
ln -s "/usr/bin/python$PYTHON" /release/bin/python3
PATH=/release/bin:$PATH PIP_NO_INDEX=1 PIP_FIND_LINKS=/release/wheels make env

echo "==> the programs"
. .venv/bin/activate
HOME=/tmp snakemake --quiet rules -- kernels_riscv64 timing_model
# Whoever a container is started for writes there.
chmod -R a+rwX .
