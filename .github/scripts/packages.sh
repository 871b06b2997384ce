#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Install what the toolchain's container and the tests of boards need, where that is not there.
set -eu
PATH=$PATH:/usr/sbin:/sbin
packages=
command -v mmdebstrap >/dev/null || packages="$packages mmdebstrap"
command -v bwrap >/dev/null || packages="$packages bubblewrap"
command -v sshd >/dev/null || packages="$packages openssh-server"
command -v flock >/dev/null || packages="$packages util-linux"
if [ -n "$packages" ]; then
    sudo apt-get update -qq
    # shellcheck disable=SC2086
    sudo apt-get install -qq -y --no-install-recommends $packages
fi
