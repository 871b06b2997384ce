# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""ONNX's Resize and Upsample, as far as torch has them."""

import math
from collections.abc import Sequence
from typing import Any

from colonnade.models.importing.reading import Operation
from colonnade.models.importing.recorder import Recorder
from colonnade.models.importing.values import Tensor, UnsupportedError, Value


def resize(net: Recorder, op: Operation) -> Value:
    """Interpolation by factors, or to sizes."""
    x, given = op.tensor, op.attributes
    # These have no sizes.
    old = op.kind == "Upsample" or op.opset < 11
    scales = given.get("scales")
    if scales is None:
        constant = op.optional(1 if old else 2, "scales")
        scales = (
            None
            if constant is None or not constant.values.size
            else [float(each) for each in constant.floats()]
        )
        if constant is not None and constant.sized:
            _note_of_one_size(net, "scales", scales or [])
    sizes = None if old else op.optional(3, "sizes")
    axes = list(given.get("axes", []))
    if axes not in ([], [2, 3], [0, 1, 2, 3]) or given.get("antialias", 0):
        raise UnsupportedError("axes other than height and width, or antialias")
    outer = 0 if axes == [2, 3] else 2
    policy = given.get("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        raise UnsupportedError(f"keep_aspect_ratio_policy {policy!r}; allowed: 'stretch'")
    mode, corners = _resize_mode(op, scales, old=old)
    keys: dict[str, Any] = {"mode": mode, "align_corners": corners, "size": None, "scale": None}
    if scales is not None:
        _check_outer([s * size for s, size in zip(scales[:outer], x.shape, strict=False)], x)
        keys["scale"] = [float(each) for each in scales[outer:]]
    elif sizes is not None:
        wanted = sizes.whole()
        _check_outer(wanted[:outer], x)
        wanted = wanted[outer:]
        ratios = [size / own for size, own in zip(wanted, x.shape[2:], strict=True)]
        # What was computed from the size of the input holds for other sizes too.
        if sizes.sized and all(each.is_integer() for each in ratios):
            keys["scale"] = ratios
        else:
            if sizes.sized:
                _note_of_one_size(net, "sizes", ratios)
            net.maybe_of_one_size()
            keys["size"] = wanted
    else:
        raise UnsupportedError("neither scales nor sizes")
    _check_corners(op, x, keys)
    return net.upsample2d(op.name, x, **keys)


def _note_of_one_size(net: Recorder, what: str, factors: Sequence[float]) -> None:
    """Note factors that were found from one size and are not those of others."""
    if not all(float(each).is_integer() for each in factors):
        net.of_one_size(f"{what} {list(factors)} times as large follow")


def _check_corners(op: Operation, x: Tensor, keys: dict[str, Any]) -> None:
    """Make sure that ONNX's places of points, which depend on the sizes here, are torch's."""
    scale, planes = keys["scale"], x.shape[2:]
    sizes = keys["size"] or [math.floor(s * f) for s, f in zip(planes, scale, strict=True)]
    where = op.attributes.get("coordinate_transformation_mode")
    if where == "pytorch_half_pixel" and 1 in sizes:
        raise UnsupportedError(f"linear of {where!r} to one row or column")
    parts = scale is not None and any(
        s * f != out for s, f, out in zip(planes, scale, sizes, strict=True)
    )
    if keys["align_corners"] and parts:
        raise UnsupportedError(f"linear of {where!r} with parts of an element")


def _check_outer(sizes: Sequence[float], x: Tensor) -> None:
    if len(x.shape) != 4 or list(sizes) != list(x.shape[: len(sizes)]):
        raise UnsupportedError("of images or channels; allowed: of height and width")


def _resize_mode(op: Operation, scales: Sequence[float] | None, *, old: bool) -> tuple[str, bool]:
    """The mode of the vocabulary, and whether corners are aligned."""
    given = op.attributes
    mode = given.get("mode", "nearest")
    where = given.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    if mode == "nearest":
        rounding = given.get("nearest_mode", "floor" if old else "round_prefer_floor")
        whole = scales is not None and all(float(each).is_integer() for each in scales)
        if where == "asymmetric" and rounding == "floor":
            return "nearest", False
        # Twice, three times as large: every element is taken so often.
        if where in ("half_pixel", "pytorch_half_pixel") and rounding.startswith("round") and whole:
            return "nearest", False
        raise UnsupportedError(
            f"nearest of {where!r}, {rounding!r}; allowed: 'asymmetric', 'floor', or 'half_pixel',"
            " 'round_prefer_floor' by whole factors"
        )
    if mode in ("linear", "bilinear"):
        if where == "align_corners":
            return "bilinear", True
        if where in ("half_pixel", "pytorch_half_pixel"):
            return "bilinear", False
        raise UnsupportedError(f"linear of {where!r}; allowed: 'half_pixel', 'align_corners'")
    raise UnsupportedError(f"mode {mode!r}; allowed: 'nearest', 'linear'")
