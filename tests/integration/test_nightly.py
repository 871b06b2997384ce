# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A kernel that was really made slower by a few instructions is caught and named by a nightly run."""

import re
import shlex
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from colonnade.cli import cli
from colonnade.common import paths
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_json
from colonnade.config.nightly import MatrixConfig
from colonnade.config.schema import ProfileConfig
from colonnade.config.target import load_target
from colonnade.container import Container
from colonnade.evaluation.nightly_matrix import make_network, run_case
from colonnade.results.records import NightlyRun
from colonnade.targets.target import Target

TILE = 28
KERNEL = f"xnn_f32_colnm_gemm_minmax_ukernel_{TILE}x1v__rvv"
SOURCE = "f32-colnm-gemm-1v-minmax-rvv.S"
MATRIX = MatrixConfig(networks=("mobilenet_v2",), targets=("x60",), threads=(1,), image_px=32)
RUN = "nightly/runs/mobilenet_v2/x60-1-f32.json"


def planted(source: str, *, slower: bool) -> str:
    """The kernels with two instructions more in each turn of one kernel's loop; its results stay.

    Or, as long and no slower, behind its return: what follows in memory lies at the same place.
    """
    before, kernel, after = source.partition(f"\n{KERNEL}:")
    assert kernel
    # What is written is loaded right after.
    loop = r"(2:  // Two columns\.\n)(  vle32\.v (v\d+), \(t4\)\n)"
    place, two = (loop, r"\1  vmv.v.i \3, 0\n  vmv.v.i \3, 0\n\2") if slower else (
        r"(  ret\n)", r"\1  vmv.v.i v0, 0\n  vmv.v.i v0, 0\n"
    )  # fmt: skip
    changed, count = re.subn(place, two, after, count=1)
    assert count == 1
    return before + kernel + changed


def runner(toolchain: Container, programs: Path, home: Path, root: Path, *, slower: bool) -> Path:
    """The runner built with `planted` kernels, by the commands that built the other one."""
    scratch = home / ("slower" if slower else "same")
    scratch.mkdir()
    folder, build = (f"/colonnade/{path.relative_to(root)}" for path in (scratch, programs))
    source, archive = scratch / SOURCE, scratch / "microkernels.a"
    source.write_text(planted((programs / "generated" / SOURCE).read_text(), slower=slower))
    shutil.copyfile(programs / "xnnpack/libmicrokernels-prod.a", archive)
    listed = toolchain.run(["ninja", "-C", build, "-t", "commands", "colonnade-run"]).stdout
    commands = [line for line in listed.splitlines() if not line.startswith("ninja:")]
    (compiled,) = [each for each in commands if each.endswith(f"/{SOURCE}")]
    words = shlex.split(compiled)
    # An archive knows its members by their names alone.
    member = f"{folder}/{Path(words[words.index('-o') + 1]).name}"
    words[words.index("-o") + 1] = member
    words[-1] = f"{folder}/{SOURCE}"
    linked = commands[-1]
    for old, new in (
        (" -o colonnade-run ", f" -o {folder}/colonnade-run "),
        (" xnnpack/libmicrokernels-prod.a ", f" {folder}/microkernels.a "),
    ):
        assert linked.count(old) == 1
        linked = linked.replace(old, new)
    replaced = shlex.join(["llvm-ar-19", "r", f"{folder}/microkernels.a", member])
    script = f"cd {build} && {shlex.join(words)} && {replaced} && {linked}"
    toolchain.run(["sh", "-ec", script])
    return (scratch / "colonnade-run").relative_to(root)


@pytest.mark.usefixtures("timing_model")
def test_three_percent_of_one_kernel_are_caught_and_named(
    toolchain: Container,
    riscv64_programs: Path,
    scratch: Path,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(root)
    target = Target("x60", load_target(root / "config/targets", "x60"), toolchain)
    profile = ProfileConfig(
        algorithms=("direct",),
        tiles=(TILE,),
        lmuls=(1,),
        panels=(4,),
        kc_splits=1,
        trials=1,
        margin_percent=1,
        audit=1,
        cache=scratch / "profile.sqlite",
        seed=1,
    )
    here = scratch.relative_to(root)
    make_network(target, "mobilenet_v2", MATRIX, 1, profile, here / "network")
    for each, slower in (("before", False), ("after", True)):
        program = runner(toolchain, riscv64_programs, scratch, root, slower=slower)
        monkeypatch.setattr(paths, "program", lambda part, name, program=program: program)
        run_case(target, here / "network", 32, 1, "f32", here / each / RUN)

    before, after = (read_json(scratch / each / RUN, NightlyRun) for each in ("before", "after"))
    assert before["agrees"]
    assert after["relative_error"] == before["relative_error"]
    took = [
        sum(layer["counters"]["functions"].get(KERNEL, 0) for layer in run["layers"])
        for run in (before, after)
    ]
    assert 1.02 < took[1] / took[0] < 1.05

    monkeypatch.chdir(tmp_path)
    write_json(Path("settings.json"), {"nightly": {"allowed_slowdown_percent": 0.5}})
    accept = ["baseline", "accept", "--reason", "before", str(scratch / "before")]
    cli.main(accept, standalone_mode=False)
    baseline = ["--baseline", str(paths.LAYER_BASELINE)]
    outputs = ["settings.json", "out.txt", "summary.md", "junit.xml"]
    command = ["step", "layer-regression", *baseline, *outputs]
    cli.main([*command, str(scratch / "before" / RUN)], standalone_mode=False)
    with pytest.raises(ColonnadeError) as refused:
        cli.main([*command, str(scratch / "after" / RUN)], standalone_mode=False)
    lines = str(refused.value).splitlines()[1:]
    # Layers that hardly run the kernel move by less.
    assert len(lines) >= 25
    assert all(f"of functions, {KERNEL} most: +" in line for line in lines)
    failures = ElementTree.parse("junit.xml").getroot().findall(".//failure")
    assert len(failures) == len(lines)
    assert all(KERNEL in each.attrib["message"] for each in failures)
