# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Cache, page map and core description of the timing model against simple references."""

import json
import random
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.validation.band import read_band, write_cores

from .model import CORE, ROOT, WORK, TestedModel


def reference_hits(lines: list[int], sets: int, ways: int) -> list[str]:
    cache: list[OrderedDict[int, None]] = [OrderedDict() for _ in range(sets)]
    hits = []
    for line in lines:
        held = cache[line % sets]
        hits.append("1" if line in held else "0")
        held[line] = None
        held.move_to_end(line)
        if len(held) > ways:
            held.popitem(last=False)
    return hits


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("sets", "ways"), [(1, 1), (1, 4), (128, 4), (512, 16)])
def test_cache_is_lru(timing: TestedModel, sets: int, ways: int, seed: int) -> None:
    generator = random.Random(seed)
    lines = [generator.randrange(3 * sets * ways) for _ in range(20 * sets * ways)]
    size = sets * ways * 64
    hits = timing.dump("cache", str(size), str(ways), "64", stdin="\n".join(map(str, lines)))
    assert hits == reference_hits(lines, sets, ways)
    assert "1" in hits
    assert "0" in hits


def translate(
    timing: TestedModel, addresses: list[int], stack: int, huge: tuple[int, int, int] = (12, 0, 0)
) -> list[int]:
    """Physical addresses; `huge` is the log2 of a huge page and the range that lies in such pages."""
    arguments = map(str, (*huge, stack))
    lines = timing.dump("pages", *arguments, stdin="\n".join(map(str, addresses)))
    return [int(line) for line in lines]


@pytest.mark.parametrize("seed", range(3))
def test_frames_follow_the_order_of_first_touch(timing: TestedModel, seed: int) -> None:
    generator = random.Random(seed)
    addresses = [generator.randrange(1 << 38) for _ in range(6000)] * 2
    frames: dict[int, int] = {}
    expected = [
        frames.setdefault(address >> 12, len(frames) + 1) << 12 | address & 0xFFF
        for address in addresses
    ]
    assert translate(timing, addresses, stack=0) == expected


@pytest.mark.parametrize("seed", range(3))
def test_a_marked_range_lies_in_huge_pages(timing: TestedModel, seed: int) -> None:
    generator = random.Random(seed)
    log2, begin, end = 21, 3 << 21, 7 << 21
    addresses = [generator.randrange(10 << 21) for _ in range(6000)] * 2
    found = dict(zip(addresses, translate(timing, addresses, 0, (log2, begin, end)), strict=True))
    assert len(set(found.values())) == len(found)
    pages: dict[tuple[bool, int], set[int]] = {}
    for address, physical in found.items():
        huge = begin <= address < end
        size = 1 << (log2 if huge else 12)
        assert physical % size == address % size
        pages.setdefault((huge, address // size), set()).add(physical // size)
    assert all(len(frames) == 1 for frames in pages.values())
    assert sum(huge for huge, _ in pages) == 4
    assert len(pages) > 1000


def test_memory_that_a_program_marks_lies_in_huge_pages(
    timing: TestedModel, variant: Callable[[Callable[[Any], None]], str]
) -> None:
    program = timing.compile("huge-pages", ["kernels/timing/tests/huge_pages.c"])
    small = variant(lambda description: description["huge_page"].update(bytes=4096))
    marked, unmarked, refused = (
        timing.regions(program, core=core, arguments=arguments)[0]
        for core, arguments in ((CORE, ["huge"]), (CORE, []), (small, ["huge"]))
    )
    # 64 lines, four times: in one set of 16 ways none is found again; in small pages all are.
    assert marked["l2_misses"] >= 4 * 64
    assert 64 <= unmarked["l2_misses"] < 2 * 64
    assert refused["l2_misses"] == unmarked["l2_misses"]


@pytest.mark.parametrize("shift", [16, 4096, 70_000_016])
def test_the_stack_is_taken_relative_to_its_pointer(timing: TestedModel, shift: int) -> None:
    stack = 0x7FFF_0000_1230
    addresses = [stack - 8, stack + 24, stack - 5000, stack - 8]
    moved = [address + shift for address in addresses]
    assert translate(timing, addresses, stack) == translate(timing, moved, stack + shift)


def _set_unknown(description: Any) -> None:
    description["l3"] = {}


def _drop_class(description: Any) -> None:
    del description["classes"]["vf_fma"]


def _misspell_unit(description: Any) -> None:
    description["classes"]["vf_fma"]["unit"] = "fpu"


def _vector_without_unit(description: Any) -> None:
    description["classes"]["vf_fma"]["unit"] = None


def _units_by_name(description: Any) -> None:
    description["units"] = {name: name for name in description["units"]}


def _shorten_list(description: Any) -> None:
    description["classes"]["vload"]["occupancy"] = [1, 2, 4]


def _odd_cache(description: Any) -> None:
    description["l1"]["bytes"] = 33000


def _odd_page(description: Any) -> None:
    description["huge_page"]["bytes"] = 3 << 20


def _negative(description: Any) -> None:
    description["miss"]["memory"]["latency"] = -1


def _early_late(description: Any) -> None:
    description["classes"]["vload"]["latency"][3] = 4


def _strange_unit(description: Any) -> None:
    description["issue"]["late_units"] = ["fpu"]


def _long_fill(description: Any) -> None:
    description["miss"]["fill"] = description["miss"]["l2"]["latency"] + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set_unknown, "core: unknown key 'l3'"),
        (_drop_class, "vf_fma: an object is needed"),
        (_misspell_unit, "vf_fma: unit: null or one of the names in `units` is needed"),
        (_vector_without_unit, "vf_fma: unit: null; a vector instruction needs one of the names"),
        (_units_by_name, "units: a list of at most 8 names is needed"),
        (_shorten_list, "vload: a list needs 7 values, from mf8 to m8"),
        (_odd_cache, "l1: line and bytes / (ways * line) must be powers of two"),
        (_odd_page, "huge_page: bytes: must be a power of two"),
        (_negative, "memory: latency: a whole number from 0 to 4096 is needed"),
        (_early_late, "vload: late_latency: less than `latency`"),
        (_strange_unit, "issue: late_units: unit: null or one of the names in `units` is needed"),
        (_long_fill, "miss: fill: more than a latency"),
    ],
)
def test_a_wrong_core_description_is_refused(
    timing: TestedModel,
    variant: Callable[[Callable[[Any], None]], str],
    change: Callable[[Any], None],
    message: str,
) -> None:
    with pytest.raises(ColonnadeError) as error:
        timing.dump("params", variant(change))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: "[1, 1]", "core: an object is needed"),
        (lambda text: text + "{}", "not valid JSON"),
        (lambda text: text.replace('"name":', '"vlen": 128, "name":', 1), "core: key 'vlen' twice"),
    ],
    ids=["array", "more", "twice"],
)
def test_what_is_no_single_object_is_refused(
    timing: TestedModel, change: Callable[[str], str], message: str
) -> None:
    path = WORK / "variant.json"
    (ROOT / path).write_text(change((ROOT / CORE).read_text("utf-8")), "utf-8")
    with pytest.raises(ColonnadeError) as error:
        timing.dump("params", str(path))
    assert message in str(error.value)


@pytest.mark.parametrize(("core", "vlen"), [("x60", 256), ("x280", 512)])
def test_descriptions_are_accepted(timing: TestedModel, core: str, vlen: int) -> None:
    assert timing.dump("params", f"kernels/timing/cores/{core}.json") == [f"vlen {vlen}"]


def test_the_plugin_refuses_a_missing_core(timing: TestedModel) -> None:
    program = timing.compile("determinism-refused", ["kernels/timing/tests/determinism.c"])
    with pytest.raises(ColonnadeError) as error:
        timing.regions(program, core="nowhere.json")
    assert "nowhere.json: cannot be read" in str(error.value)


def test_descriptions_cite_their_sources() -> None:
    cores = list((ROOT / "kernels/timing/cores").glob("*.json"))
    assert len(cores) > 1
    for path in cores:
        text = path.read_text("utf-8")
        about = json.loads(text)["about"]
        said = {match[1] for line in about if (match := re.match(r"\[([\w-]+)\] ", line))}
        assert set(re.findall(r"\[([a-z][\w-]*)\]", text)) == said, path
        assert said or "assumed" in " ".join(about), path


def test_cores_of_the_band_are_accepted(timing: TestedModel) -> None:
    band = ROOT / "kernels/timing/bands/x60.json"
    cores = write_cores(band, ROOT / WORK / "band")
    for path in cores:
        assert timing.dump("params", str(path.relative_to(ROOT))) == ["vlen 256"]
    assert len(cores) == len(read_band(band).cores) > 30
