# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A whole comparison, with shell scripts in the place of the engines and of the runner."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json
from colonnade.comparison import measure, worker
from colonnade.comparison.measure import Participant, Peers, compare_network
from colonnade.config.comparison import ComparisonConfig
from colonnade.config.target import TargetConfig
from colonnade.package.untrained import Variant
from colonnade.results.records import Compared
from colonnade.targets.target import Target

SETTINGS = ComparisonConfig(
    networks=("resnet18",), sparsities=(0.5, 0.75), batches=(1, 2), threads=(1, 2), rounds=2
)
_SERVE = """
echo '[]'
while read count; do echo '[0.5, 0.002, 0.001, 0.003]'; done
"""
# Called as PROGRAM PEER FOLDER THREADS OUTPUT, it writes its output at once, and its variables.
_PYTHON = """#!/bin/sh
[ "$2" = ncnn ] && { echo 'no such CPU' >&2; exit 1; }
cp "$3/expected.npy" "$5"
echo "$2 $4 $OMP_NUM_THREADS $TORCHINDUCTOR_CACHE_DIR $SECRET" >>TOLD
SERVE"""
# Writes its output at its end, and a wrong one by one implementation.
_RUNNER = """#!/bin/sh
echo "$@" >>TOLD
while [ $# -gt 0 ]; do
    case $1 in
        --output) output=$2 ;;
        --implementation) implementation=$2 ;;
    esac
    shift
done
SERVE
[ $implementation = colnm_dense ] && what=wrong || what=expected
cp "$(dirname "$output")/$what.safetensors" "$output"
"""


class NoContainer:
    """Runs nothing: participants are started by themselves."""

    def run(self, *_: Any, **__: Any) -> Any:
        raise AssertionError


HOST = Target("host", TargetConfig(kind="host"), NoContainer())


def script(text: str, told: Path) -> str:
    return text.replace("SERVE", _SERVE).replace("TOLD", str(told))


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o755)


def write_expected(folder: Path, dense: Variant, image: Any) -> None:
    """In the place of what peers read: what participants shall write."""
    folder.mkdir()
    expected = dense.output(image)
    np.save(folder / "expected.npy", expected)
    save_file({"out": expected}, folder / "expected.safetensors")
    save_file({"out": expected * 1.01}, folder / "wrong.safetensors")


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Peers:
    """A checkout with stand-ins; networks compute the mean of each channel, and none is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("SECRET", "unseen")
    monkeypatch.setattr(Variant, "output", lambda _, image: image.mean(axis=(2, 3)))
    monkeypatch.setattr(measure, "write_for_peers", write_expected)
    some = {name: worker.PEERS[name] for name in ("onnxruntime", "pytorch_compile", "ncnn")}
    monkeypatch.setattr(worker, "PEERS", some)

    def variants(folder: Path, name: str, patterns: Sequence[Any], *_: Any) -> list[Variant]:
        folder.mkdir()
        labels = [("dense", 0.0), *((each.label, each.sparsity) for each in patterns)]
        return [Variant(*each, folder / each[0], folder / each[0]) for each in labels]

    monkeypatch.setattr(measure, "write_variants", variants)
    write_program(tmp_path / "peers/bin/python", script(_PYTHON, tmp_path / "told.peers"))
    site = tmp_path / "peers/lib/python3.11/site-packages/onnxruntime-9.8.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime\nVersion: 9.8\n")
    write_program(
        tmp_path / "results/build/host/colonnade-run", script(_RUNNER, tmp_path / "told.runner")
    )
    return Peers(tmp_path / "peers", {"torch": "not installed: no wheel"})


def compare(peers: Peers, output: Path, settings: ComparisonConfig = SETTINGS) -> None:
    schedules = Path("schedules.json")
    compare_network(HOST, "resnet18", settings, 32, [], schedules, peers, 7, output)


def test_rows_are_of_every_setting_and_say_who_could_not_run(peers: Peers) -> None:
    output = Path("made/comparison.json")
    compare(peers, output)
    rows = read_json(output, list[Compared])
    assert [path.name for path in output.parent.iterdir()] == ["comparison.json"]
    taking = [
        *(("onnxruntime", "peer", "dense", 0.0), ("pytorch_compile", "peer", "dense", 0.0)),
        *(("ncnn", "peer", "dense", 0.0), ("xnnpack_nhwc_dense", "peer", "dense", 0.0)),
        *(("colnm_dense", "colonnade", "dense", 0.0), ("colnm_tuned", "colonnade", "full0.5", 0.5)),
        ("colnm_tuned", "colonnade", "full0.75", 0.75),
    ]
    keys = ("participant", "kind", "variant", "sparsity")
    settings = [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert [(row["batch"], row["threads"]) for row in rows] == [
        each for each in settings for _ in taking
    ]
    assert [tuple(row[key] for key in keys) for row in rows] == taking * len(settings)
    reasons = {
        "pytorch_compile": "not installed: no wheel",
        "ncnn": "exit status 1: no such CPU",
        "colnm_dense": "its outputs differ by 1.0e-02; allowed: 0.0001",
    }
    for row in rows:
        assert row["reason"] == reasons.get(row["participant"], "")
        # Of the four runs of a turn the first does not count.
        assert row["round_ms"] == ([] if row["reason"] else [2.0, 2.0])
        error = {"colnm_dense": 0.01}.get(row["participant"], None if row["reason"] else 0.0)
        assert row["max_relative_error"] == pytest.approx(error, abs=1e-6)
        assert row["version"] == ("9.8" if row["participant"] == "onnxruntime" else None)
        assert (row["model"], row["target"], row["image_px"]) == ("resnet18", "host", 32)
        assert row["cores"] >= 1 and row["under_load"] in (0, 1)


def test_participants_get_their_threads_and_peers_few_of_our_variables(peers: Peers) -> None:
    compare(peers, Path("comparison.json"), SETTINGS.model_copy(update={"batches": (1,)}))
    told = [line.split() for line in Path("told.peers").read_text().splitlines()]
    assert [line[:3] for line in told] == [["onnxruntime", "1", "1"], ["onnxruntime", "2", "2"]]
    for *_, cache in told:
        # An absolute folder in our scratch, and behind it no SECRET.
        assert Path(cache).is_absolute() and Path(cache).name == "inductor"
        assert not Path(cache).exists()
    runs = [line.split() for line in Path("told.runner").read_text().splitlines()]
    assert len(runs) == 2 * 4
    for index, words in enumerate(runs):
        assert words[-3:] == ["--threads", str(1 + index // 4), "--serve"]
        asked = dict(zip(words[:-1:2], words[1:-1:2], strict=True))
        assert asked["--schedules"] == "schedules.json"
        label = Path(asked["--package"]).name
        assert asked["--implementation"] in ("xnnpack_nhwc_dense", "colnm_dense", "colnm_tuned")
        assert (label == "dense") == (asked["--implementation"] != "colnm_tuned")
        assert Path(asked["--input"]).name == "input.safetensors"
        assert Path(asked["--report"]) == Path(asked["--output"]).with_suffix(".json")
    # No two write the same file.
    assert len({words[words.index("--output") + 1] for words in runs[:4]}) == 4


def test_nothing_begins_without_the_runner(peers: Peers) -> None:
    Path("results/build/host/colonnade-run").unlink()
    with pytest.raises(ColonnadeError, match=r"host/colonnade-run: not built yet"):
        compare(peers, Path("made/comparison.json"))
    assert not Path("made").exists()
    assert not Path("told.peers").exists()


def test_a_failure_leaves_neither_rows_nor_scratch(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ColonnadeError("model.onnx: cannot be written")

    monkeypatch.setattr(measure, "write_for_peers", fail)
    with pytest.raises(ColonnadeError, match=r"model\.onnx: cannot be written"):
        compare(peers, Path("made/comparison.json"))
    assert list(Path("made").iterdir()) == []


def test_results_are_read_by_the_kind_of_their_file(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    variant = Variant("dense", 0.0, tmp_path, tmp_path)
    np.save(tmp_path / "a.npy", values)
    save_file({"logits": values}, tmp_path / "a.safetensors")
    for name in ("a.npy", "a.safetensors"):
        one = Participant("mine", "peer", None, variant, [], tmp_path / name, {})
        np.testing.assert_array_equal(one.result(), values)
        assert one.label == "mine dense"


def test_a_peers_command_is_our_worker_in_its_environment(tmp_path: Path) -> None:
    peers = Peers(tmp_path, {})
    command = peers.command("openvino", tmp_path / "batch1", 2, tmp_path / "out.npy")
    assert command == [
        *(str(tmp_path / "bin/python"), worker.__file__, "openvino"),
        *(str(tmp_path / "batch1"), "2", str(tmp_path / "out.npy")),
    ]
