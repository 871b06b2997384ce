#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Make this machine able to create the environment and the toolchain; print the Python to use.
# As root on Debian or Ubuntu it installs what is missing, and says so; otherwise it names it.
set -eu

say() {
    echo "$*" >&2
}

find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "error: Python 3.11 to 3.14 is needed; python3 here is $(python3 --version 2>&1 || true)"
    exit 2
}

has() {
    command -v "$1" >/dev/null 2>&1
}

python=$(find_python)
needed=
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    needed=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
fi
has git || needed="$needed git"
# The rootfs engine, which also makes the base image where no registry is reachable.
wanted=
has mmdebstrap || wanted="$wanted mmdebstrap"
has bwrap || wanted="$wanted bubblewrap"
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || wanted="$wanted debian-archive-keyring"
if [ "$(id -u)" -ne 0 ]; then
    has newuidmap || wanted="$wanted uidmap"
    # Any engine will do.
    if has dockerd || has podman; then wanted=; fi
fi
# A release image is the toolchain.
if [ -e /opt/colonnade/image.json ]; then wanted=; fi

missing=$(echo $needed $wanted)
if [ -n "$missing" ]; then
    if [ "$(id -u)" -eq 0 ] && has apt-get; then
        say "Installing with apt-get, as root: $missing"
        {
            apt-get update -qq
            # shellcheck disable=SC2086 # a list of words
            DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
        } </dev/null >&2
    elif [ -n "$needed" ]; then
        say "error: please install: $missing (on Debian or Ubuntu: sudo apt-get install $missing)"
        exit 2
    else
        say "For the toolchain container, please install$wanted, or docker.io, or podman" \
            "(on Debian or Ubuntu: sudo apt-get install$wanted)."
    fi
fi

# Only `data: {name: fashion-mnist}` needs it, and says what to do where it is missing.
images=dataset-fashion-mnist
if [ ! -d /usr/share/datasets/fashion-mnist ] && [ "$(id -u)" -eq 0 ] && has apt-get; then
    say "Installing with apt-get, as root: $images"
    {
        [ -n "$missing" ] || apt-get update -qq || true
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$images" ||
            say "$images could not be installed; going on without it"
    } </dev/null >&2
fi
echo "$python"
