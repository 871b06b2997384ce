# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""JSON read without leniency: no key twice, no NaN, bounded in length and depth."""

import json
from typing import Any

# The runner's size_limits.h has the same.
MAX_DEPTH = 16
MAX_BYTES = 16 << 20


def parse_strict(text: bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: not UTF-8, not JSON, a key given twice in one object, or beyond the limits.
    """
    if len(text) > MAX_BYTES:
        raise ValueError(f"{len(text)} bytes of JSON; allowed: at most {MAX_BYTES}")
    try:
        value = json.loads(
            text.decode(), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant
        )
    except RecursionError as error:
        raise ValueError(f"nested too deep; allowed: {MAX_DEPTH} levels") from error
    _check_depth(value, MAX_DEPTH)
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f'key "{key[:80]}" is given twice')
        found[key] = value
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"not valid JSON: {name}")


def _check_depth(value: Any, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise ValueError(f"nested too deep; allowed: {MAX_DEPTH} levels")
    for each in value.values() if isinstance(value, dict) else value:
        _check_depth(each, left - 1)
