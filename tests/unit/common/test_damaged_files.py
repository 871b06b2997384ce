# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Every reader against every damage: one error that names the file, never another exception."""

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save
from safetensors.torch import save as save_torch

from colonnade.budget.plan import read_budget
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, read_record
from colonnade.config.sources import read_yaml
from colonnade.config.target import load_target, read_core
from colonnade.container.image import Image
from colonnade.evaluation.pictures import read_inputs
from colonnade.evaluation.top1 import Finished, read_logits, read_schedules
from colonnade.models.graph import Input
from colonnade.models.weight_files import read_state
from colonnade.package.archive import read_package
from colonnade.results.records import (
    Accuracy,
    Claim,
    ImageFacts,
    ModelledProfile,
    PackagedSchedules,
    Profile,
    Provenance,
    Run,
    Schedules,
    StudyEvaluation,
)
from colonnade.results.tables import DECOMPOSITION, read_table
from colonnade.training.checkpoint import read_checkpoint
from colonnade.tuning.core import core_of
from colonnade.tuning.space import SCHEDULE as SCHEDULE_KEYS
from colonnade.tuning.space import Candidate
from colonnade.validation.band import read_band
from colonnade.workflow.scope import check_scope
from colonnade.workflow.settings import read_settings

ROOT = Path(__file__).resolve().parents[3]
CORE = ROOT / "kernels/timing/cores/x60.json"

TRIAL = {
    **{"algorithm": "direct", "tile": 8, "lmul": 1, "panels": 1, "kc_splits": 1},
    **{"cycles": 10, "ms": 1, "mac_per_cycle": 1.0, "useful_macs": 8},
    "counters": {
        **{"instructions": 9, "l1_misses": 1, "l2_misses": 0, "threads": 1},
        **{"classes": {"vfma": 1}, "stalls": {"idle": 0}, "functions": {"main": 10}},
    },
}
PROFILE = {
    "conv": "n1c8h8w8-o8-k1x1-s1-p0-d1",
    "searches": [{"kept": 8, "sparsity": 0.0, "m": "full", "trials": [TRIAL]}],
    "reference": TRIAL,
}
IMAGE = {
    **{"engine": "rootfs", "reference": "r", "digest": "sha256:0", "recipe": "0"},
    **{"packages": {"cmake": "3"}, "compilers": {"gcc": "14"}, "qemu": "10"},
}
RUN = {
    **{"model": "resnet18", "checkpoint_sha256": "0", "implementation": "colnm_dense"},
    **{"threads": 1, "total": {"cycles": 10, "seconds": 0.1}},
    "layers": [{"name": "conv1", "op": "conv2d", "cycles": 10, "seconds": 0.1}],
}
SCHEDULE = {
    **{"layer": "conv1", "schedule": "direct:8:1:1:1", "source": "other size"},
    **{"key": "n1c8h8w8-o8-k1x1-s1-p0-d1|k8", "adapted": ["lmul"]},
}
RAN = {
    "layers": [
        {"name": "image", "op": "copy_to_planes"},
        {
            **{"name": "conv1", "op": "conv2d", "schedule": "direct:8:1:1:1"},
            **{"schedule_source": "other size", "schedule_key": SCHEDULE["key"]},
            "schedule_adapted": ["lmul"],
        },
    ]
}
ACCURACY = {
    **{"checkpoint_sha256": "0", "n_images": 5, "target": "x60", "top1_torch": 0.5},
    **{"top1_target": 0.5, "agreement": 1, "max_abs_logit_difference": 1e-6},
    "schedule_sources": {"tuned": 0, "other size": 1, "fixed": 0},
    "schedules": [SCHEDULE],
}
STUDY = {
    **{"model": "resnet18", "dataset": "digits", "epochs": 1, "pruned_share": 0.5},
    **{"n_images": 5, "checkpoint_sha256": "0", "top1": 0.5, "validation_top1": 0.5},
}
CLAIM = {
    **{"id": "i", "claim": "c", "source": "ours", "detail": "d", "unit": "x", "refuted_by": "r"},
    **{"paper_value": 4.0, "our_value": None, "evidence": "modelled", "verdict": "not run"},
    **{"over_band": None, "criterion": "at least 4", "expected": "holds", "command": "snakemake x"},
    **{"artifacts": []},
}
PROVENANCE = {
    **{"git_commit": None, "dirty": None, "image": IMAGE, "qemu": "10", "compilers": {}},
    **{"python": "3", "python_packages": {}, "cpu": "c", "seeds": {"run": 1}, "config_sha256": "0"},
    **{"config": {}, "config_changes": []},
}
BAND = {"about": ["a"], "core": str(CORE), "variants": [{"name": "v", "about": "a", "set": {}}]}
CHUNKS = {"key": "0", "chunks": [], "schedules": [SCHEDULE]}
Reader = Callable[[Path], object]


def _core(path: Path) -> object:
    target = load_target(ROOT / "config/targets", "x60").model_copy(update={"core": path})
    return read_core(path), core_of(target)


def _scope(path: Path) -> None:
    some: Any = SimpleNamespace(
        results=str(path.parent),
        target="x60",
        model=SimpleNamespace(name="resnet18"),
        data=SimpleNamespace(model_dump=lambda **_: {"name": "digits"}),
        throughput=SimpleNamespace(image_px=224, batch=1),
    )
    check_scope(some)


JSON: dict[str, tuple[Any, Reader]] = {
    "profile.json": (PROFILE, lambda path: read_json(path, Profile)),
    "modelled.json": (PROFILE, lambda path: read_json(path, ModelledProfile)),
    "schedules.json": (
        {"convs": {"c|8": {"tile": 8}}, "stays_dense": ["c|4"]},
        lambda path: read_json(path, Schedules),
    ),
    "packaged.json": (
        {"target": "x60", "convs": {"c|8": {key: TRIAL[key] for key in SCHEDULE_KEYS}}},
        lambda path: [*map(Candidate.of, read_json(path, PackagedSchedules)["convs"].values())],
    ),
    "run.json": (RUN, lambda path: read_json(path, Run)),
    "accuracy.json": (ACCURACY, lambda path: read_json(path, Accuracy)),
    "ran.json": (RAN, read_schedules),
    "study.json": (STUDY, lambda path: read_json(path, StudyEvaluation)),
    "claims.json": ([CLAIM], lambda path: read_json(path, list[Claim])),
    "provenance.json": (PROVENANCE, lambda path: read_json(path, Provenance)),
    "facts.json": (IMAGE, lambda path: read_json(path, ImageFacts)),
    "image.json": (IMAGE, Image.load),
    "audit.json": ([{"conv": "c"}], lambda path: read_json(path, list[dict[str, Any]])),
    "chunks.json": (CHUNKS, lambda path: read_record(path, Finished)),
    "settings.json": ({"seed": 1}, read_settings),
    "core.json": (json.loads(CORE.read_text()), _core),
    "band.json": (json.loads((ROOT / "kernels/timing/bands/x60.json").read_text()), read_band),
}
LOGITS = save({"logits": np.zeros((2, 3), dtype=np.float32)})
STATE = save_torch({"fc.weight": torch.zeros(2, 3)})
TABLE = ",".join(DECOMPOSITION) + "\nresnet18,first,any,0.5,10,1.0,modelled\n"
OTHERS: dict[str, tuple[bytes, Reader]] = {
    "logits.safetensors": (LOGITS, read_logits),
    "state.safetensors": (STATE, read_state),
    "target.yaml": (b"kind: host\n", lambda path: load_target(path.parent, path.stem)),
    "table.csv": (TABLE.encode(), lambda path: read_table(path, DECOMPOSITION)),
}
# Others that no sound file is made for here; each has tests of its own.
ALWAYS_REFUSED: dict[str, Reader] = {
    "checkpoint.safetensors": read_checkpoint,
    "state.pth": read_state,
    "budget.json": read_budget,
    "graph.json": lambda path: read_package(path.parent),
    "scope.json": _scope,
}


@dataclass(frozen=True)
class Case:
    """A reader of a kind of file, with the content of a sound one."""

    name: str
    sound: bytes
    reader: Reader


CASES = [
    *(Case(name, json.dumps(value).encode(), reader) for name, (value, reader) in JSON.items()),
    *(Case(name, sound, reader) for name, (sound, reader) in OTHERS.items()),
    *(Case(name, b"", reader) for name, reader in ALWAYS_REFUSED.items()),
]
DEEP = 100_000
LINES = itertools.pairwise("abcdefghi")
BOMB = f"a: &a [{', '.join('x' * 9)}]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in LINES
)
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda sound: sound[: len(sound) // 2],
    "random": lambda _: bytes(range(256)) * 40,
    "zeros": lambda sound: bytes(len(sound) + 9),
    "no UTF-8": lambda sound: b"\xff\xfe" + sound,
    "deep arrays": lambda _: b"[" * DEEP + b"]" * DEEP,
    "deep objects": lambda _: b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "another value": lambda _: b'"text"',
    "not a number": lambda _: b'{"a": NaN}',
    "a number of many digits": lambda _: b'{"a": ' + b"9" * 5000 + b"}",
    "a list": lambda _: b"[1, 2]",
    "aliases": lambda _: BOMB.encode(),
}


def _refused(case: Case, path: Path) -> str:
    with pytest.raises(ColonnadeError) as caught:
        case.reader(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 2000
    return str(caught.value)


@pytest.mark.parametrize("case", [case for case in CASES if case.sound], ids=lambda case: case.name)
def test_sound_files_are_read(tmp_path: Path, case: Case) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.sound)
    case.reader(path)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_damaged_files_are_refused_by_name(tmp_path: Path, case: Case, damage: str) -> None:
    path = tmp_path / case.name
    path.write_bytes(DAMAGES[damage](case.sound))
    if case.name == "target.yaml" and damage == "cut off":
        path.write_bytes(b"kind: [")
    if case.name == "table.csv" and damage == "cut off":
        path.write_bytes(case.sound[:20])
    _refused(case, path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_folder_in_place_of_a_file_is_refused_by_name(tmp_path: Path, case: Case) -> None:
    (tmp_path / case.name).mkdir()
    _refused(case, tmp_path / case.name)


OTHER_VALUES = ({"x": 1}, [1], "text", -1.5, None, 10**30)


def _mutate(value: Any) -> Iterator[None]:
    """Change one value at a time, at any depth, to one of another type, or drop it; then restore it."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        kept = value[key]
        for other in OTHER_VALUES:
            value[key] = other
            yield
        value[key] = kept
        if isinstance(kept, dict | list):
            yield from _mutate(kept)
    if isinstance(value, dict):
        for key in list(value):
            whole = dict(value)
            del value[key]
            yield
            value.clear()
            value.update(whole)


@pytest.mark.parametrize("name", JSON)
def test_values_of_other_types_are_refused_by_name_or_harmless(tmp_path: Path, name: str) -> None:
    sound, reader = JSON[name]
    changing = copy.deepcopy(sound)
    # A core has thousands.
    step = 7 if name == "core.json" else 1
    path = tmp_path / name
    refused = tried = 0
    for _ in itertools.islice(_mutate(changing), 0, None, step):
        tried += 1
        path.write_text(json.dumps(changing))
        try:
            reader(path)
        except ColonnadeError as error:
            refused += 1
            assert str(path) in str(error)
    assert changing == sound
    assert tried > 5
    assert refused > 0.3 * tried or name in ("core.json", "settings.json", "chunks.json")
    assert refused > 0


def test_what_a_stage_left_is_never_read_unchecked() -> None:
    """Modules that call `read_json` without a shape check what they read themselves; see above."""
    own = {"files.py", "scope.py", "settings.py", "core.py"}
    sources = list((ROOT / "workflow/colonnade").rglob("*.py"))
    unchecked = {
        path.name
        for path in sources
        if re.search(r"\bread_json\([^(),]*(\([^()]*\))?\)|map\(read_json", path.read_text())
    }
    assert unchecked == own
    assert len(sources) > 100


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
@pytest.mark.parametrize("name", ["logits", "inputs"])
def test_tensors_of_types_that_numpy_does_not_have_are_refused(
    tmp_path: Path, dtype: torch.dtype, name: str
) -> None:
    path = tmp_path / "given.safetensors"
    path.write_bytes(save_torch({"logits": torch.zeros((2, 3), dtype=dtype)}))
    with pytest.raises(ColonnadeError, match=r"given\.safetensors: .* a type that numpy does not"):
        if name == "logits":
            read_logits(path)
        else:
            read_inputs(path, [Input(name="logits", channels=3)])


def test_yaml_is_bounded_before_it_is_written_out(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(BOMB)
    with pytest.raises(ColonnadeError, match="more than 100000 values, aliases written out"):
        read_yaml(path)
