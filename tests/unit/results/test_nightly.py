# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A slowdown of one kernel is caught, and named by layer, function and stall."""

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_json
from colonnade.common.paths import LAYER_BASELINE, NIGHTS
from colonnade.results import nights
from colonnade.results.tables import NIGHTS as NIGHTS_TABLE
from colonnade.results.tables import read_table

KERNEL = "xnn_f32_colnm_gemm_minmax_ukernel_7x2v__rvv"


def layer(name: str, cycles: int, op: str = "conv2d") -> dict[str, Any]:
    """A layer of which a kernel takes 80% of the cycles, and a cache half of that."""
    kernel = cycles * 8 // 10
    return {
        **{"name": name, "op": op, "cycles": cycles, "seconds": 0.1, "schedule": "direct:7:2:4:1"},
        "counters": {
            **{"instructions": 1, "classes": {}, "l1_misses": 1, "l2_misses": 1, "threads": 1},
            "functions": {KERNEL: kernel, "compute_direct": cycles - kernel},
            "stalls": {"cache_miss": kernel // 2, "branch": 10},
        },
    }


def run(network: str) -> dict[str, Any]:
    layers = [layer("conv1", 2_000_000), layer("layer1.0.conv1", 1_000_000), layer("fc", 50_000)]
    total = sum(each["cycles"] for each in layers)
    return {
        **{"model": network, "checkpoint_sha256": "a", "threads": 1, "dtype": "f32", "batch": 1},
        **{"vlen": 256, "implementation": "colnm_tuned", "layers": layers, "target": "x60"},
        **{"image_px": 224, "package_bytes": 1000, "relative_error": 1e-6, "agrees": True},
        "total": {"cycles": total, "seconds": 0.1},
    }


class Night:
    """A checkout in which nightly runs are compared."""

    def __init__(self) -> None:
        self.reports = {name: run(name) for name in ("resnet50", "mobilenet_v2")}
        write_json(Path("settings.json"), {"nightly": {"allowed_slowdown_percent": 0}})

    def write(self) -> list[str]:
        files = [f"results/cycles/nightly/runs/{name}/x60-1-f32.json" for name in self.reports]
        for file, report in zip(files, self.reports.values(), strict=True):
            write_json(Path(file), report)
        return files

    def compare(self, *options: str) -> None:
        outputs = ["out.txt", "summary.md", "junit.xml"]
        Path("out.txt").unlink(missing_ok=True)
        command = ["step", "layer-regression", *options, "settings.json", *outputs]
        cli.main([*command, *self.write()], standalone_mode=False)

    def remember(self, *options: str) -> pl.DataFrame:
        command = ["step", "nights", *options, "nights.csv", *self.write()]
        cli.main(command, standalone_mode=False)
        return read_table(Path("nights.csv"), NIGHTS_TABLE)

    def accept(self, reason: str) -> None:
        self.write()
        cli.main(["baseline", "accept", "--reason", reason], standalone_mode=False)


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    monkeypatch.chdir(tmp_path)
    made = Night()
    made.accept("the first night")
    return made


BASELINE = ("--baseline", str(LAYER_BASELINE))


def test_the_same_cycles_pass(night: Night) -> None:
    night.compare(*BASELINE)
    assert Path("out.txt").read_text().startswith("10 comparisons, 0 moved or new, none fails")
    suites = ElementTree.parse("junit.xml").getroot()
    assert suites.attrib == {"tests": "10", "failures": "0"}
    assert len(suites.findall("testsuite/testcase")) == 10
    assert "accepted because: the first night" in Path("summary.md").read_text()


def test_three_percent_of_one_kernel_are_caught_and_named(night: Night) -> None:
    slow = night.reports["resnet50"]["layers"][1]
    more = slow["counters"]["functions"][KERNEL] * 3 // 100
    slow["cycles"] += more
    slow["counters"]["functions"][KERNEL] += more
    slow["counters"]["stalls"]["cache_miss"] += more - 7
    slow["counters"]["stalls"]["branch"] += 7
    with pytest.raises(ColonnadeError) as refused:
        night.compare(*BASELINE)
    said = (
        "1000000 -> 1024000 cycles (+2.40%); of functions, " + KERNEL + " most: +24000; of stalls,"
        " cache_miss most: +23993"
    )
    (line,) = str(refused.value).splitlines()[1:]
    assert line.endswith(
        f"resnet50 at 224 px, f32 on x60, VLEN 256, 1 threads: layer1.0.conv1: {said}"
    )
    assert not Path("out.txt").exists()
    suites = ElementTree.parse("junit.xml").getroot()
    assert suites.attrib == {"tests": "10", "failures": "1"}
    (case,) = [each for each in suites.iter("testcase") if each.find("failure") is not None]
    assert case.attrib["name"] == "layer1.0.conv1"
    failure = case.find("failure")
    assert failure is not None
    assert failure.attrib["message"] == said
    summary = Path("summary.md").read_text()
    assert summary.startswith("# Nightly regression: 1 of 10 comparisons fails\n")
    assert "| 3,050,000 | 3,074,000 | +0.79% |" in summary
    assert "## Failing\n\n- resnet50 at 224 px, f32 on x60, VLEN 256, 1 threads, `" in summary


def test_one_cycle_more_is_caught_and_less_is_told(night: Night) -> None:
    before = copy.deepcopy(night.reports)
    night.reports["mobilenet_v2"]["layers"][2]["cycles"] += 1
    with pytest.raises(ColonnadeError, match="fc: 50000 -> 50001 cycles"):
        night.compare(*BASELINE)
    night.reports = before
    fast = night.reports["mobilenet_v2"]["layers"][0]
    fast["cycles"] -= 1000
    fast["counters"]["functions"]["compute_direct"] -= 1000
    fast["schedule"] = "packed:7:2:4:1"
    night.compare(*BASELINE)
    said = Path("summary.md").read_text().split("## What else moved\n\n")[1]
    assert "of functions, compute_direct most: -1000; schedule direct:7:2:4:1 -> packed" in said


def test_what_is_new_is_told_and_what_is_gone_fails(night: Night) -> None:
    night.reports["resnet50"]["layers"].append(layer("new", 10))
    night.compare(*BASELINE)
    assert "`new`: new: the baseline has no such layer" in Path("summary.md").read_text()
    del night.reports["mobilenet_v2"]
    with pytest.raises(
        ColonnadeError, match=r"mobilenet_v2 at .*: fc: gone: only the baseline has it"
    ):
        night.compare(*BASELINE)


def test_other_weights_are_told(night: Night) -> None:
    night.reports["resnet50"]["checkpoint_sha256"] = "b"
    night.compare(*BASELINE)
    assert (
        "Another network than the baseline's, by its checkpoint: resnet50 at"
        in Path("summary.md").read_text()
    )


def test_an_accepted_baseline_keeps_its_reason(night: Night) -> None:
    night.reports["resnet50"]["layers"][0]["cycles"] += 500
    night.accept("rows are checked now")
    night.compare(*BASELINE)
    assert json.loads(LAYER_BASELINE.read_text())["reason"] == "rows are checked now"
    with pytest.raises(ColonnadeError, match="--reason: empty"):
        night.accept(" ")
    with pytest.raises(ColonnadeError, match="no reports of runs"):
        cli.main(["baseline", "accept", "--reason", "x", "elsewhere"], standalone_mode=False)


def test_without_a_baseline_all_is_new(night: Night) -> None:
    night.compare()
    assert Path("out.txt").read_text().startswith("10 comparisons, 10 moved or new, none fails")
    assert ElementTree.parse("junit.xml").getroot().attrib == {"tests": "10", "failures": "0"}
    summary = Path("summary.md").read_text()
    assert "accepted because: there is none yet" in summary
    assert "What else moved" not in summary
    assert len(summary.splitlines()) == 8


def commits(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Every night is of the next of these commits."""
    left = iter(names)
    monkeypatch.setattr(
        nights, "revision", lambda: {"git_commit": next(left), "dirty": names == ("c",)}
    )


def test_nights_are_remembered_beside_the_baseline(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits(monkeypatch, "a", "b", "b")
    night.remember(*BASELINE)
    night.reports["resnet50"]["layers"][0]["cycles"] -= 500
    night.remember(*BASELINE)
    night.reports["resnet50"]["layers"][2]["cycles"] += 7
    table = night.remember(*BASELINE).filter(model="resnet50")
    found = {(row["git_commit"], row["layers"]): row["cycles"] for row in table.to_dicts()}
    # Of one commit the last night counts.
    assert found == {
        ("a", "all layers"): 3_050_000,
        ("a", "convolutions that read images"): 2_000_000,
        ("a", "1x1 convolutions"): 1_000_000,
        ("a", "other layers"): 50_000,
        ("b", "all layers"): 3_049_507,
        ("b", "convolutions that read images"): 1_999_500,
        ("b", "1x1 convolutions"): 1_000_000,
        ("b", "other layers"): 50_007,
    }
    assert table["git_commit"].to_list() == ["a"] * 4 + ["b"] * 4
    before = {row["layers"]: row["baseline_cycles"] for row in table.to_dicts()}
    assert before == {kind: found["a", kind] for kind in before}


def test_nights_without_a_baseline_and_of_other_runs(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits(monkeypatch, "a", "c")
    assert night.remember()["baseline_cycles"].null_count() == 6
    # Another run of the history is not of this night.
    del night.reports["mobilenet_v2"]
    assert set(night.remember(*BASELINE)["model"]) == {"resnet50"}


def test_a_commit_with_changes_is_another_one(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits(monkeypatch, "c")
    assert set(night.remember()["git_commit"]) == {"c+"}


def test_another_file_than_a_history_is_refused(night: Night) -> None:
    NIGHTS.parent.mkdir()
    NIGHTS.write_bytes(b"no database" * 100)
    with pytest.raises(ColonnadeError, match=r"nights\.sqlite: no history of nightly runs"):
        night.remember(*BASELINE)
    assert not Path("nights.csv").exists()


def test_every_convolution_has_a_kind() -> None:
    kinds = nights.layer_kinds("mobilenet_v2")
    assert Counter(kinds.values()) == {
        "convolutions that read images": 1,
        "depthwise convolutions": 17,
        "1x1 convolutions": 34,
    }
    assert kinds["features.1.conv.0.0"] == "depthwise convolutions"
    assert Counter(nights.layer_kinds("resnet50").values())["3x3 convolutions"] == 16


def test_a_report_of_measured_time_is_refused(night: Night) -> None:
    night.reports["resnet50"]["layers"][0]["cycles"] = None
    with pytest.raises(ColonnadeError, match=r"x60-1-f32\.json: layers\.0\.cycles: None"):
        night.compare(*BASELINE)


def test_a_package_that_grows_fails_and_one_that_shrinks_is_told(night: Night) -> None:
    night.reports["resnet50"]["package_bytes"] = 999
    night.compare(*BASELINE)
    assert "`package size`: 1000 -> 999 bytes (-0.10%)" in Path("summary.md").read_text()
    night.reports["mobilenet_v2"]["package_bytes"] = 1001
    with pytest.raises(ColonnadeError) as refused:
        night.compare(*BASELINE)
    (line,) = str(refused.value).splitlines()[1:]
    assert line.startswith("  mobilenet_v2 at 224 px")
    assert line.endswith("package size: 1000 -> 1001 bytes (+0.10%)")


def test_outputs_out_of_tolerance_fail_with_and_without_a_baseline(night: Night) -> None:
    night.reports["resnet50"]["relative_error"] = 2e-6
    night.compare(*BASELINE)
    said = "`agreement with PyTorch`: largest difference 2.00e-06 of the largest output, before 1.00e-06"
    assert said in Path("summary.md").read_text()
    night.reports["resnet50"]["agrees"] = False
    for options in (BASELINE, ()):
        with pytest.raises(ColonnadeError, match="more than the datatype explains") as refused:
            night.compare(*options)
        assert len(str(refused.value).splitlines()) == 2


def test_a_run_that_is_new_has_its_cycles_in_the_summary(night: Night) -> None:
    night.reports["vgg16"] = run("vgg16")
    night.compare(*BASELINE)
    summary = Path("summary.md").read_text()
    assert (
        "| vgg16 at 224 px, f32 on x60, VLEN 256, 1 threads | not compared | 3,050,000 | |"
        in summary
    )
