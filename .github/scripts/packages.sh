#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Install what tests start themselves and this machine lacks: a browser, container engines, an SSH server, a
# cluster's daemons. Whoever may not install is told what is missing: those tests are skipped, and say so.
set -eu
PATH=$PATH:/usr/sbin:/sbin
packages=

# PACKAGES NAME...: the packages are wanted where there is no program of any of these names.
need() {
    wanted=$1
    shift
    for name; do
        if command -v "$name" >/dev/null; then return; fi
    done
    packages="$packages $wanted"
}

need "chromium fonts-dejavu-core" chromium chromium-browser google-chrome
need docker.io dockerd
need openssh-server sshd
need openssh-client ssh
need mmdebstrap mmdebstrap
need munge munged
need uidmap newuidmap
need podman podman
need slurm-wlm slurmctld
[ -n "$packages" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "Not installed, and tests that need them are skipped:$packages" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086 # lists of words
$as_root apt-get install -qq -y --no-install-recommends $packages
