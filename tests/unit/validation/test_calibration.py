# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A core's description from measurements: what they change, and what stays."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from colonnade.validation.calibrate import Measurement, compare, describe, summary
from colonnade.validation.classes import CostKey, cost_key, instructions_of, set_cost
from colonnade.validation.instructions import MICROBENCHMARKS, functions

ROOT = Path(__file__).resolve().parents[3]
CORE: dict[str, Any] = json.loads((ROOT / "kernels/timing/cores/x60.json").read_text())
SEQUENCES = {each.name: each.cycles for each in MICROBENCHMARKS}


def measurement(factor: float = 1) -> Measurement:
    sequences = {name: factor * cycles for name, cycles in SEQUENCES.items()}
    return Measurement(
        sequences, {("copy-m1", 2967): 800.0, ("gemm-eight-cores", 512): 1.0}, 1590.5
    )


def test_costs_are_those_that_were_measured_and_all_else_stays() -> None:
    new = describe(CORE, measurement(3), "measured there", 256)
    assert json.loads((ROOT / "kernels/timing/cores/x60.json").read_text()) == CORE
    classes = new["classes"]
    assert classes["vf_fma"]["occupancy"] == [1, 1, 1, 3, 6, 12, 24]
    assert classes["vf_fma"]["latency"][3:] == [15, 15, 15, 24]
    assert classes["vf_fma"]["masked"][3:] == [6, 12, 24, 48]
    assert classes["vf_fma"]["about"] == "measured: latency, masked, occupancy"
    assert classes["vf_reduce"]["occupancy"]["e16"][3:] == [24, 42, 60, 171]
    assert classes["vf_reduce"]["occupancy"]["e32"][3:] == [19.5, 33, 51, 162]
    assert (
        classes["vf_reduce"]["occupancy"]["e64"] == CORE["classes"]["vf_reduce"]["occupancy"]["e64"]
    )
    assert classes["vload_strided"]["occupancy"]["per_element"] == pytest.approx(
        3 * 30.73 / 32, rel=1e-3
    )
    assert classes["div"]["latency"] == 60
    assert classes["vload"]["latency"] == CORE["classes"]["vload"]["latency"]
    assert classes["v_gather"] == CORE["classes"]["v_gather"]
    for key in ("vlen", "issue", "branch", "l1", "l2", "miss", "cores", "units"):
        assert new[key] == CORE[key]
    assert (new["name"], new["clock_mhz"]) == ("SpacemiT X60, calibrated", 1590.5)
    assert new["about"][0] == "measured there"


def test_no_cost_is_higher_than_the_model_takes() -> None:
    new = describe(CORE, measurement(1e6), "there", 256)
    assert new["classes"]["vf_div"]["occupancy"]["e32"][6] == 4096


def test_most_microbenchmarks_measure_a_cost_that_there_is() -> None:
    keys = [key for each in MICROBENCHMARKS if (key := cost_key(each)) is not None]
    assert len(keys) > 0.8 * len(MICROBENCHMARKS)
    for key in keys:
        assert key.key in CORE["classes"][key.name], key


def test_a_late_latency_is_no_less_than_the_latency() -> None:
    entry = {"unit": "vls", "latency": [3] * 7, "late_latency": [4] * 7, "occupancy": 1}
    assert set_cost(entry, CostKey("vload", "latency", 5), 9, 256)
    assert entry["latency"] == [3, 3, 3, 3, 3, 9, 3]
    assert entry["late_latency"] == [4, 4, 4, 4, 4, 9, 4]
    assert not set_cost(entry, CostKey("vload", "masked", 5), 9, 256)
    assert not set_cost({"unit": None, "latency": 1}, CostKey("alu", "occupancy", None), 2, 256)


def test_rows_have_every_sequence_and_the_kernels_of_one_core() -> None:
    modelled = {name: 2 * cycles for name, cycles in SEQUENCES.items()}
    rows = compare(measurement(), modelled, {("copy-m1", 2967): 400, ("gemm-eight-cores", 512): 5})
    assert len(rows) == len(MICROBENCHMARKS) + 1
    assert {round(row["error_percent"]) for row in rows} == {100, -50}
    assert rows[-1]["point"] == "copy-m1 2967"
    lines = summary(rows, "there").splitlines()
    assert lines[0] == "there"
    (fma,) = [line.split() for line in lines if line.startswith("vf_fma ")]
    count = sum(row["class"] == "vf_fma" for row in rows)
    assert fma == ["vf_fma", str(count), "100.0%", "100.0%"]


def test_every_sequence_is_a_function_that_saves_what_callers_keep() -> None:
    text = functions(MICROBENCHMARKS)
    assert text.count("\n  ret\n") == len(MICROBENCHMARKS)
    for each in MICROBENCHMARKS:
        words = set(re.findall(r"[a-z]+\d+|ra|sp|gp|tp", f"{each.setup}\n{each.body}"))
        # The clock's and the counter's registers, and those that a callee has to restore.
        assert words & {"a1", "a5", "a6", "a7", "t0", "t6", "ra", "sp", "gp", "tp"} == set(), (
            each.name
        )
        assert not [word for word in words if re.fullmatch(r"f?s\d+", word)], each.name
        assert instructions_of(each) >= 1
