# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Every section is rendered from the files it is given, and the page says what it leaves out."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_json
from colonnade.report.bounds import achieved_and_possible
from colonnade.report.contents import SECTIONS, left_out, on_page
from colonnade.report.figures import colour, marker
from colonnade.report.page import write_page
from colonnade.report.sections import CONTEXTS, write_section
from colonnade.results import tables
from colonnade.results.records import EVIDENCE
from colonnade.results.tables import write_table

from .conftest import PROVENANCE, heading, row

NAMES = [section.name for section in SECTIONS]


def test_every_section_has_a_renderer_and_a_name_of_its_own() -> None:
    assert list(CONTEXTS) == NAMES
    assert len(set(NAMES)) == len(NAMES) > 10


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_section_is_made_of_what_it_shows(
    section: Any, files: dict[str, list[Path]], provenance: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out/section.html"
    write_section(section.name, provenance, files[section.name], target)
    html = target.read_text()
    heading = "h2" if section.short else "h3"
    assert f'<{heading} id="{section.name}">{section.title}</{heading}>' in html
    for file in files[section.name]:
        if file.suffix == ".csv" and section.name not in ("layers", "cycles"):
            assert f"tables/{file.name}" in html
        file.rename(file.with_suffix(".gone"))
        with pytest.raises(ColonnadeError, match=re.escape(str(file))):
            write_section(section.name, provenance, files[section.name], target)
        file.with_suffix(".gone").rename(file)


def test_claims_show_their_range_over_the_band(
    files: dict[str, list[Path]], provenance: Path, tmp_path: Path
) -> None:
    target = tmp_path / "claims.html"
    write_section("claims", provenance, files["claims"], target)
    html = target.read_text()
    for said in ("4.20", "(slow) to ", "6.00", "(fast), median 5.10 of 38 cores"):
        assert said in html


def test_provenance_shows_what_was_configured_otherwise(tmp_path: Path) -> None:
    target, file = tmp_path / "section.html", tmp_path / "provenance.json"
    change = {"key": "training.dense.epochs", "value": 1, "default": 12}
    for changes, said in (
        ([change], "training.dense.epochs</code>: 1 <small>default: 12"),
        ([], "nothing"),
    ):
        write_json(file, {**PROVENANCE, "config_changes": changes})
        write_section("provenance", file, [], target)
        assert said in target.read_text()


def test_accuracy_says_where_the_schedules_of_its_runs_come_from(
    files: dict[str, list[Path]], provenance: Path, tmp_path: Path
) -> None:
    target = tmp_path / "accuracy.html"
    write_section("accuracy", provenance, files["accuracy"], target)
    said = re.sub(r"\s+", " ", target.read_text())
    assert "3 ran the schedule tuned for their shape, 17 one tuned at another size" in said
    assert "1 one that its implementation fixes" in said


def test_convolutions_that_no_two_algorithms_ran(provenance: Path, tmp_path: Path) -> None:
    table = tmp_path / "packing.csv"
    write_table(table, tables.PACKING, [])
    write_section("packing", provenance, [table], tmp_path / "packing.html")
    assert "No convolution was run by both" in (tmp_path / "packing.html").read_text()


def test_tuner_quality_counts_tunings_that_gave_the_same_answer(
    provenance: Path, tmp_path: Path
) -> None:
    table, section = tmp_path / "tables/tuner_quality.csv", tmp_path / "section.html"
    for evidence, apart, said in (
        ("measured", [0.0, 3.0, 4.25], "the choices lie at most 3% of time apart in 2, and 4.25%"),
        ("modelled", [None, None, None], ""),
    ):
        rows = [row(tables.TUNER_QUALITY, evidence=evidence, apart_percent=each) for each in apart]
        write_table(table, tables.TUNER_QUALITY, rows)
        write_section("tuner_quality", provenance, [table], section)
        html = re.sub(r"\s+", " ", section.read_text())
        assert "In 3 searches" in html
        assert said in html
        assert ("three times" in html) == (evidence == "measured")


def test_patterns_of_one_sparsity_are_bars_of_their_own(provenance: Path, tmp_path: Path) -> None:
    table, section = tmp_path / "tables/throughput.csv", tmp_path / "section.html"
    rows = [
        row(
            tables.THROUGHPUT,
            implementation="tuned",
            n=n,
            m=m,
            sparsity=sparsity,
            images_per_s=rate,
        )
        for n, m, sparsity, rate in (
            (1, "4", 0.75, 4),
            (0.25, "full", 0.75, 5),
            (0.125, "full", 0.875, 6),
            (None, None, 0, 1),
        )
    ]
    write_table(table, tables.THROUGHPUT, rows)
    write_section("throughput", provenance, [table], section)
    html = section.read_text()
    for name in ("tuned 75% (1 of 4)", "tuned 75% (0.25 of full)", "tuned 87.5%", "tuned"):
        assert f">{name}<" in html
    assert set(re.findall(r">(\d\.\d\d)   \(", html)) == {"4.00", "5.00", "6.00", "1.00"}


def test_there_may_be_more_series_than_colours(provenance: Path, tmp_path: Path) -> None:
    sparsities = [round(0.5 + 0.04 * index, 2) for index in range(11)]
    rows = [
        row(tables.BOUNDS, conv="n1c8h8w8-o8-k1x1-s1-p0-d1", sparsity=each) for each in sparsities
    ]
    figure = achieved_and_possible(pl.DataFrame(rows, tables.BOUNDS))
    assert all(f">{100 * each:.6g}% pruned<" in figure for each in sparsities)
    styles = {(colour(index), marker(index)) for index in range(40)}
    assert len(styles) == 40


def test_another_section_is_refused(provenance: Path, tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match="section 'weather': allowed: claims, "):
        write_section("weather", provenance, [], tmp_path / "weather.html")
    with pytest.raises(ColonnadeError, match="no such section: weather"):
        write_page(tmp_path, tmp_path, tmp_path, {"weather": tmp_path}, [], tmp_path / "page.html")


@pytest.mark.parametrize("control", ["holds", "refused"])
def test_the_study_says_whether_its_fine_tuning_is_refused(
    control: str, provenance: Path, tmp_path: Path
) -> None:
    summary = tmp_path / "tables/study_summary.csv"
    changed = {"control": control, "control_drop_points": 4.083}
    rows = [row(tables.STUDY_SUMMARY, method=method, **changed) for method in ("dense", "x")]
    write_table(summary, tables.STUDY_SUMMARY, rows)
    section = tmp_path / "study.html"
    write_section("study", provenance, [summary], section)
    html = section.read_text()
    assert "costs the dense network 4.08 points of validation top-1" in html
    assert ("<strong>refused</strong>" in html) == (control == "refused")
    assert ("fine-tuning refused" in html) == (control == "refused")


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_small_study_says_what_one_seed_can_tell(
    seeds: int, provenance: Path, tmp_path: Path
) -> None:
    summary = tmp_path / "tables/small_study_summary.csv"
    rows = [row(tables.STUDY_SUMMARY, method=method, seeds=seeds) for method in ("dense", "x")]
    write_table(summary, tables.STUDY_SUMMARY, rows)
    section = tmp_path / "small_study.html"
    write_section("small_study", provenance, [summary], section)
    html = section.read_text()
    assert "tables/small_study_summary.csv" in html
    assert "tables/study_summary.csv" not in html
    assert ("mean top-1 of 3 seeds on the test split and its 95% interval" in html) == (seeds > 1)
    assert ("may change places" in html) == (seeds == 1)
    assert ("95% interval" in html) == (seeds > 1)


def test_a_page_has_its_sections_in_order_and_names_the_others(
    files: dict[str, list[Path]], provenance: Path, tmp_path: Path
) -> None:
    shown = on_page(NAMES, ["kernel-figures"])
    rendered = {}
    for name in reversed(shown):
        rendered[name] = tmp_path / f"report/{name}.html"
        write_section(name, provenance, files[name], rendered[name])
    page = tmp_path / "report.html"
    rest = left_out(NAMES, shown)
    write_page(*heading(files), rendered, rest, page)
    html = page.read_text()
    assert re.findall(r'<h[23] id="(\w[\w-]*)">', html) == [*shown[:-1], "left-out", shown[-1]]
    assert "Where the speedup comes from" in html
    assert re.findall(r"<li>([^<]+): <code>snakemake ([\w-]+)</code>", html) == [
        ("Patterns and recipes at equal budget", "accuracy-study"),
        ("Top-1 and time against the tile", "tile-curve"),
        ("A pattern for every layer", "pareto-front"),
        ("What it sees in photographs", "photographs"),
        ("Against other engines on this machine", "host-comparison"),
        ("Against other dense convolutions", "dense-baselines"),
        ("What tuning missed", "tuner-quality"),
        ("What does not depend on the unknown parameters", "artifact-evaluation"),
        ("Cycles over nights", "nightly-cycles"),
    ]
    assert html.count("<svg") == html.count("<figure")
    links = set(re.findall(r'<a href="#([\w-]+)"', html))
    assert links == {s.name for s in SECTIONS if s.short and s.name in shown}


def test_a_page_without_a_row_of_the_fastest_network_is_refused(
    files: dict[str, list[Path]], tmp_path: Path
) -> None:
    accuracy = tmp_path / "other.csv"
    write_table(accuracy, tables.ACCURACY, [row(tables.ACCURACY)])
    throughput, _, claims = heading(files)
    with pytest.raises(ColonnadeError, match=r"other\.csv: no row of checkpoint b"):
        write_page(throughput, accuracy, claims, {}, [], tmp_path / "page.html")


@pytest.mark.parametrize(
    ("requested", "own"),
    [
        ([], set()),
        (["full-run", "nightly-regression", "results/tables/study.csv"], set()),
        (["kernel-figures"], {"decomposition"}),
        (["accuracy-study", "pareto-front"], {"study", "pareto"}),
        (["tile-curve"], {"tile_curve"}),
        (["tuner-quality"], {"tuner_quality"}),
        (["dense-baselines"], {"dense_baselines"}),
        (["host-comparison"], {"comparison"}),
        (["artifact-evaluation"], {"sensitivity"}),
    ],
)
def test_a_page_has_the_sections_of_its_targets(requested: list[str], own: set[str]) -> None:
    base = on_page(NAMES, [])
    assert {"claims", "throughput", "bounds", "provenance"} <= set(base)
    assert set(on_page(NAMES, requested)) - set(base) == own
    assert not set(base) - set(on_page(NAMES, requested))
    measured = [name for name in NAMES if name != "bounds"]
    assert on_page(measured, requested) == [n for n in on_page(NAMES, requested) if n != "bounds"]
    assert "bounds" not in left_out(measured, on_page(measured, requested))


def test_accuracy_has_the_intervals_of_its_images(
    files: dict[str, list[Path]], provenance: Path, tmp_path: Path
) -> None:
    changed = {"top1": 95.0, "top1_dense": 85.0, "n_images": 20, "checkpoint_sha256": "b"}
    write_table(files["accuracy"][0], tables.ACCURACY, [row(tables.ACCURACY, **changed)])
    page, section = tmp_path / "page.html", tmp_path / "section.html"
    write_section("accuracy", provenance, files["accuracy"], section)
    write_page(*heading(files), {}, [], page)
    assert "95.00%<small>76.39 to 99.11</small>" in section.read_text()
    assert "<small>-31.44 to 11.02</small>" in section.read_text()
    assert "76.39 to 99.11, dense 85.00%" in page.read_text()


def test_kinds_of_evidence_are_the_same_on_the_page_and_in_the_documents(
    files: dict[str, list[Path]], provenance: Path, tmp_path: Path
) -> None:
    page, section = tmp_path / "page.html", tmp_path / "section.html"
    write_page(*heading(files), {}, [], page)
    legend = re.sub(r"\s+", " ", page.read_text()).replace("&#39;", "'")
    document = Path("docs/results.md").read_text()
    for kind, meaning in EVIDENCE.items():
        assert f'<span class="badge {kind}">{kind}</span> {meaning}.' in legend
        assert f"| `{kind}` | {meaning} |" in document
    # The same of the rows of the accuracy table, and in no other words elsewhere.
    rows = [row(tables.ACCURACY, executed_on=on, checkpoint_sha256="b") for on in ("torch", "x60")]
    write_table(files["accuracy"][0], tables.ACCURACY, rows)
    write_section("accuracy", provenance, files["accuracy"], section)
    badges = re.findall(r'<td>(\w+) <span class="badge \w+">(\w+)<', section.read_text())
    assert badges == [("torch", "measured"), ("x60", "emulated")]
    for other in ("README.md", "docs/glossary.md"):
        assert "results.md#kinds-of-evidence" in Path(other).read_text()
        assert "accuracy on images" not in Path(other).read_text()
