#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Check the sources of the programs for the host inside the toolchain container: tidy.sh BUILD_DIR CLANG_TIDY
set -eu
build=$1
tidy=$2
ninja -C "$build" -t compdb >"$build/compile_commands.json"
# Ours only, without what is generated from templates.
sed -n "s|^ *\"file\": \"\($PWD/kernels/.*\)\",*\$|\1|p" "$build/compile_commands.json" | sort -u |
    xargs -n 1 -P "$(nproc)" "$tidy" -p "$build" --quiet
