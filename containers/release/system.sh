#!/bin/sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# Install the release image's Python and what `make env` asks for, beside the toolchain.
. /opt/colonnade/steps/common.sh
. /opt/colonnade/release/versions.env

refresh_packages
printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$(mirror)" "$PYTHON_SUITE" \
    > "/etc/apt/sources.list.d/$PYTHON_SUITE.sources"
apt-get update -qq
install_packages "python$PYTHON python$PYTHON-venv dataset-fashion-mnist git make"
rm "/etc/apt/sources.list.d/$PYTHON_SUITE.sources"
remove_package_lists
