#!/bin/sh
# Install the compilers and build tools, and unpack the sources of XNNPACK, what it needs, and OpenBLAS.
. "$(dirname "$0")/common.sh"

refresh_packages
install_packages "$TOOLCHAIN_PACKAGES"
for name in xnnpack pthreadpool fxdiv fp16 cpuinfo openblas; do
    unpack_source "$name"
done
remove_package_lists
# The mount point of the repository.
mkdir -p /colonnade
