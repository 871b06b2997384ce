#!/bin/sh
# Build qemu-riscv64 with TCG plugins, which Debian's own package leaves out, into /opt/qemu. Beside it comes that package's
# qemu-aarch64, which nothing models time with.
. "$(dirname "$0")/common.sh"

refresh_packages
install_packages "$QEMU_BUILD_PACKAGES"
unpack_source qemu

# QEMU computes a guest's FMA with the C library's, which is AVX code. Called from SSE code it costs over
# 100 ns on some CPUs; with AVX code throughout, emulation of FMAs was measured 25 times as fast. What is
# computed does not change.
flags=
if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
    flags=-march=x86-64-v3
fi

# Its generators of source text go through sets of names, in an order that Python draws anew for each run.
export PYTHONHASHSEED=0

step "configuring QEMU"
mkdir /usr/src/qemu/build
cd /usr/src/qemu/build
../configure --prefix=/opt/qemu --target-list=riscv64-linux-user --enable-plugins \
    --without-default-features --enable-linux-user --disable-system --disable-tools \
    --disable-docs --disable-install-blobs --extra-cflags="$flags"

step "compiling QEMU"
ninja qemu-riscv64
mkdir -p /opt/qemu/bin /opt/qemu/include
install -s qemu-riscv64 /opt/qemu/bin/
install -m 644 ../include/qemu/qemu-plugin.h /opt/qemu/include/

step "qemu-aarch64 of $QEMU_USER_PACKAGE"
work=$(mktemp -d)
cd "$work"
# apt downloads as its own user, who cannot write here: let it stay root.
apt-get -o APT::Sandbox::User=root download -qq "$QEMU_USER_PACKAGE"
# The others of its emulators take half a gigabyte.
dpkg-deb --fsys-tarfile qemu-user_*.deb | tar -x --occurrence ./usr/bin/qemu-aarch64
install usr/bin/qemu-aarch64 /opt/qemu/bin/
