#!/bin/sh
# Build one part of kernels/ inside the toolchain container: build.sh riscv64|host|timing OUTPUT_DIR
set -eu
part=$1
output=$2
source=$(cd "$(dirname "$0")" && pwd)

case $part in
riscv64) tree=$source; set -- -DCMAKE_TOOLCHAIN_FILE="$source/cmake/riscv64-clang.cmake" ;;
host) tree=$source; set -- -DCMAKE_EXE_LINKER_FLAGS=-static ;;
timing) tree=$source/timing; set -- ;;
*)
    echo "error: build.sh: part '$part'; allowed: riscv64, host, timing" >&2
    exit 2
    ;;
esac
cmake -G Ninja -S "$tree" -B "$output" -DCMAKE_BUILD_TYPE=Release -Wno-dev \
    -DCMAKE_C_FLAGS="-ffile-prefix-map=$source=kernels" -DCMAKE_CXX_FLAGS="-ffile-prefix-map=$source=kernels" \
    "$@"
cmake --build "$output"
