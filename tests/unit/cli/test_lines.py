# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What commands about packages print for people, line by line."""

from typing import Any

import pytest

from colonnade.cli.lines import agreement_lines, description_lines, times_lines


def row(**values: Any) -> dict[str, Any]:
    return {"input": "random 0", "output": "y", "relative": 0.00123, "top1": 0.5, **values}


@pytest.mark.parametrize(("agrees", "verdict"), [(True, "agrees"), (False, "does NOT agree")])
def test_an_agreement_has_a_line_for_each_output_and_a_verdict(agrees: bool, verdict: str) -> None:
    told = {"target": "x60", "dtype": "f16", "tolerance": 0.02, "agrees": agrees}
    rows = [row(), row(output="map", relative=2e-7, top1=None), row(input="a.png", top1=1.0)]
    assert list(agreement_lines({**told, "outputs": rows}, "out/package")) == [
        "random 0: y: off by 0.0012 of the largest number, same first place in 50%",
        "random 0: map: off by 2e-07 of the largest number",
        "a.png: y: off by 0.0012 of the largest number, same first place in 100%",
        f"out/package: {verdict} with PyTorch on x60 in f16, allowed 0.02",
    ]


def test_numbers_that_are_not_finite_are_told() -> None:
    told = {"target": "host", "dtype": "f16", "tolerance": 0.02, "agrees": False}
    rows = [row(relative=float("nan"), top1=None), row(relative=float("inf"), top1=None)]
    first, second, _ = agreement_lines({**told, "outputs": rows}, "out/package")
    limit = "holds numbers that are not finite; f16 holds numbers up to 65504"
    assert first == second == f"random 0: y: {limit}"


def test_sizes_that_are_no_squares_have_height_and_width() -> None:
    first, *_ = times_lines({**TIMES, "image_px": [37, 53]})
    assert first.endswith("batch 4, 37x53 px, f32")
    first, *_ = description_lines({**FOUND, "image_px": [37, 53]})
    assert first.endswith("of an image of 37x53 px")


TIMES: dict[str, Any] = {
    **{"package": "out/package", "target": "host", "threads": 2, "evidence": "measured"},
    **{"batch": 4, "image_px": 32, "dtype": "f32", "cycles": None, "runs": 3},
    **{"median_ms": 8.0, "fastest_ms": 7.5, "slowest_ms": 12.25, "images_per_s": 500.0},
    **{"lower_quartile_ms": 7.75, "upper_quartile_ms": 10.125},
    "layers": [
        {"ms": 6.0, "op": "conv2d", "name": "wide", "schedule": "packed:8:2:4:1"},
        {"ms": 2.0, "op": "max_pool2d", "name": "pool", "schedule": None},
    ],
}


def test_measured_times_have_their_spread_and_shares() -> None:
    assert list(times_lines(TIMES)) == [
        "out/package on host, threads 2, measured: batch 4, 32 px, f32",
        "median 8.000 ms, 500.0 images per second",
        "3 runs: 7.500 to 12.250 ms, half of them 7.750 to 10.125 ms",
        "",
        "   ms  share  operation   layer  schedule",
        "6.000  75.0%  conv2d      wide   packed:8:2:4:1",
        "2.000  25.0%  max_pool2d  pool",
    ]


def test_modelled_times_have_cycles_and_no_spread() -> None:
    modelled = {"evidence": "modelled", "target": "x60", "cycles": 12800, "runs": 1}
    lines = list(times_lines({**TIMES, **modelled}))
    assert lines[0] == "out/package on x60, threads 2, modelled: batch 4, 32 px, f32"
    assert lines[1] == "median 8.000 ms, 500.0 images per second, 12800 cycles"
    assert lines[2] == ""


def test_layers_that_take_no_time_have_no_share() -> None:
    layers = [{**layer, "ms": 0.0} for layer in TIMES["layers"]]
    lines = list(times_lines({**TIMES, "layers": layers}))
    assert lines[-2:] == [
        "0.000   0.0%  conv2d      wide   packed:8:2:4:1",
        "0.000   0.0%  max_pool2d  pool",
    ]


def layer(**values: Any) -> dict[str, Any]:
    return {
        **{"name": "wide", "op": "conv2d", "weights": 64, "weights_kept": 32, "ms": None},
        **{"macs": 6400, "macs_kept": 3200, "pattern": "2 of 4 columns", "schedule": None},
        **values,
    }


FOUND: dict[str, Any] = {
    **{"model": "small", "image_px": 33, "bytes": 1000, "bytes_dense": 1100},
    **{"target": None, "evidence": None},
    "total": {"weights": 74, "weights_kept": 42, "macs": 6410, "macs_kept": 3210},
    "layers": [
        layer(),
        layer(
            **{"name": "head", "op": "fully_connected", "pattern": None},
            **{"weights": 10, "weights_kept": 10, "macs": 10, "macs_kept": 10},
        ),
    ],
}


def test_a_package_that_was_not_tuned_says_what_is_left() -> None:
    assert list(description_lines(FOUND)) == [
        "small: 42 of 74 weights, 3210 of 6410 multiplications of an image of 33 px",
        "size 1000 bytes, dense 1100",
        "not tuned: one schedule for all (`colonnade optimize --target` chooses one for each layer)",
        "",
        "weights  of  multiplications  ms  operation        layer  kept            schedule",
        "     32  64             3200      conv2d           wide   2 of 4 columns",
        "     10  10               10      fully_connected  head   dense",
    ]


def test_a_tuned_package_says_how_each_layer_runs() -> None:
    tuned = layer(schedule="direct:8:1:4:1", ms=1.25)
    other = layer(name="other", schedule="direct:4:1:4:1", ms=0.5)
    layers = [tuned, other, *FOUND["layers"][1:]]
    told = {**FOUND, "model": None, "target": "x60", "evidence": "modelled", "layers": layers}
    lines = list(description_lines(told))
    assert lines[0].startswith("network: 42 of 74 weights")
    assert lines[2] == "tuned for x60: 1.750 ms in 2 layers, modelled"
    assert lines[5].split() == [
        *("32", "64", "3200", "1.250", "conv2d", "wide", "2", "of", "4", "columns"),
        "direct:8:1:4:1",
    ]
    # Numbers end in one column, words begin in one.
    ends = {
        line.index(ms) + len(ms) for line, ms in zip(lines[5:7], ("1.250", "0.500"), strict=True)
    }
    assert ends == {lines[4].index("ms") + len("ms")}
    starts = [
        line.index(word) for line, word in zip(lines[5:], ("wide", "other", "head"), strict=True)
    ]
    assert set(starts) == {lines[4].index("layer")}
