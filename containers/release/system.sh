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
install_packages "python$PYTHON python3-pip-whl python3-setuptools-whl dataset-fashion-mnist git make"
# Of the package that has the rest of `python -m venv`; what it depends on would replace the toolchain's Python.
work=$(mktemp -d)
(cd "$work" && apt-get -o APT::Sandbox::User=root download -qq "python$PYTHON-venv")
dpkg-deb --fsys-tarfile "$work"/*.deb | tar -C / -x "./usr/lib/python$PYTHON/ensurepip"
rm -r "$work"
rm "/etc/apt/sources.list.d/$PYTHON_SUITE.sources"
remove_package_lists
# Whoever a container is started for makes folders there.
chmod 777 /colonnade
