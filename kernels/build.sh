#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Build one part of kernels/ inside the toolchain container, or some programs of it: build.sh PART OUTPUT_DIR [PROGRAMS]
#   riscv64, aarch64, host   modified XNNPACK, runner, bench and tests, the C interface
#   sanitized       the tests and the fuzz targets, on this machine with sanitizers
#   xnnpack-tests   XNNPACK's own convolution tests, in the folder of riscv64
#   baselines       colonnade-baselines, with OpenBLAS, in the folder of riscv64; for PROGRAMS, oneDNN's sources if there are any
#   timing          the timing model
set -eu
part=$1
output=$2
source=$(cd "$(dirname "$0")" && pwd)
tree=$source
target=${3:-all}

case $part in
riscv64) set -- -DCMAKE_TOOLCHAIN_FILE="$source/cmake/riscv64-clang.cmake" -DCOLONNADE_XNNPACK_TESTS=OFF ;;
aarch64) set -- -DCMAKE_TOOLCHAIN_FILE="$source/cmake/aarch64-clang.cmake" ;;
host) set -- -DCMAKE_EXE_LINKER_FLAGS=-static -DCOLONNADE_SHARED=ON ;;
sanitized)
    target="colonnade-tests fuzz"
    # Assertions stay.
    set -- -DCOLONNADE_SANITIZE=ON -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 \
        -DCMAKE_C_FLAGS_RELEASE=-O1 -DCMAKE_CXX_FLAGS_RELEASE=-O1
    ;;
xnnpack-tests)
    target=xnnpack-convolution-tests
    set -- -DCMAKE_TOOLCHAIN_FILE="$source/cmake/riscv64-clang.cmake" -DCOLONNADE_XNNPACK_TESTS=ON
    ;;
baselines)
    target=colonnade-baselines
    set -- -DCMAKE_TOOLCHAIN_FILE="$source/cmake/riscv64-clang.cmake" -DCOLONNADE_BASELINES=ON \
        -DCOLONNADE_ONEDNN_SOURCE_DIR="${3:+$PWD/$3}"
    ;;
timing) tree=$source/timing; set -- ;;
*)
    echo "error: build.sh: part '$part'; allowed: riscv64, aarch64, host, sanitized, xnnpack-tests, baselines, timing" >&2
    exit 2
    ;;
esac
cmake -G Ninja -S "$tree" -B "$output" -DCMAKE_BUILD_TYPE=Release -Wno-dev \
    -DCMAKE_C_FLAGS="-ffile-prefix-map=$source=kernels" -DCMAKE_CXX_FLAGS="-ffile-prefix-map=$source=kernels" \
    "$@"
# Of several targets each is a word.
cmake --build "$output" --target $target
