#!sh
# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

# The library itself; it has no hash, so it cannot be installed together with what has.
set -eu
pip install --no-deps --no-build-isolation -e .
