#!sh
# The library itself; it has no hash, so it cannot be installed together with what has.
set -eu
pip install --no-deps --no-build-isolation -e .
