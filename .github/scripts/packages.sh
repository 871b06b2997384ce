#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Install what the tests need and a runner may lack: an SSH server, which tests of boards start themselves.
set -eu
PATH=$PATH:/usr/sbin:/sbin
if ! command -v sshd >/dev/null; then
    sudo apt-get update -qq
    sudo apt-get install -qq -y --no-install-recommends openssh-server
fi
