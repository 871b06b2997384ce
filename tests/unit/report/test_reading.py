# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Who reads the page: with a keyboard or a screen reader, offline, without knowing our words."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from colonnade.report.sections import write_section
from colonnade.report.words import PAPER, SOURCES, WORDS

ROOT = Path(__file__).resolve().parents[3]
Tag = tuple[str, dict[str, str]]


class Page(HTMLParser):
    """The tags of a page, each with its attributes, and what each figure and table holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.blocks: list[tuple[str, list[Tag]]] = []
        self._open: list[tuple[str, list[Tag]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = (tag, {name: value or "" for name, value in attrs})
        if tag in ("figure", "table"):
            self._open.append((tag, []))
            self.blocks.append(self._open[-1])
        self.tags.append(found)
        for _, tags in self._open:
            tags.append(found)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("figure", "table"):
            kind, _ = self._open.pop()
            assert kind == tag

    def all(self, name: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture
def text(whole_page: Path) -> str:
    return whole_page.read_text()


@pytest.fixture
def page(text: str) -> Page:
    return Page(text)


def test_what_follows_a_block_is_not_of_it() -> None:
    found = Page("<table><tr></table><p><figure><table><b></table><a></figure><caption>")
    names = [(kind, [tag for tag, _ in tags]) for kind, tags in found.blocks]
    assert names == [
        ("table", ["table", "tr"]),
        ("figure", ["figure", "table", "b", "a"]),
        ("table", ["table", "b"]),
    ]


def test_header_cells_have_a_scope_and_tables_a_caption(page: Page) -> None:
    cells = page.all("th")
    assert len(cells) > 100
    assert {each.get("scope") for each in cells} == {"col", "row", "rowgroup"}
    found = [[tag for tag, _ in tags] for kind, tags in page.blocks if kind == "table"]
    assert len(found) > 8
    assert all("caption" in tags for tags in found)


def test_figures_have_a_caption_a_text_and_a_link_to_their_numbers(page: Page) -> None:
    figures = [tags for kind, tags in page.blocks if kind == "figure"]
    assert len(figures) > 8
    pictures = [attributes for tags in figures for tag, attributes in tags if tag == "svg"]
    assert all(each["role"] == "img" and each["aria-label"] for each in pictures)
    captions = [tags for tags in figures if "figcaption" in [tag for tag, _ in tags]]
    assert captions == figures
    for tags in figures:
        links = [attributes["href"] for tag, attributes in tags if tag == "a"]
        assert links
        assert re.match(r"(tables/\w+\.csv|throughput/\w+/\w+\.json)$", links[0]), links


def test_captions_tell_the_two_figures_of_cycles_apart(text: str) -> None:
    captions = re.findall(r"<figcaption><b>\s*(the \w+[ \w]*): ([^.]+)\.", text)
    assert [role for role, _ in captions] == ["the fastest run", "the baseline"]


def test_areas_that_scroll_can_be_reached_by_keyboard(page: Page) -> None:
    areas = [each for each in page.all("div") if each.get("class") == "scroll"]
    assert len(areas) > 15
    for each in areas:
        assert each["tabindex"] == "0"
        assert each["role"] == "region"
        assert each["aria-label"]


def test_ids_are_given_once_and_links_lead_to_them(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 100
    inner = {each["href"] for each in page.all("a") if each["href"].startswith("#")}
    assert inner
    assert inner <= {f"#{name}" for name in ids}


def test_nothing_is_fetched(page: Page, text: str) -> None:
    assert not page.all("link")
    assert page.all("img")
    sources = [attributes["src"] for _, attributes in page.tags if "src" in attributes]
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "@import" not in text
    assert {each.split(")")[0][:1] for each in text.split("url(")[1:]} <= {"#"}


def test_the_paper_is_named_and_linked(page: Page, text: str) -> None:
    assert PAPER["title"] in text
    outside = {each["href"] for each in page.all("a") if "://" in each["href"]}
    assert outside == {PAPER["url"]}
    (cited,) = yaml.safe_load((ROOT / "CITATION.cff").read_text())["references"]
    assert (cited["title"], cited["url"]) == (PAPER["title"], PAPER["url"])
    assert cited["identifiers"][0]["value"] == PAPER["id"]


def test_claims_have_units_criteria_and_what_they_are_computed_from(text: str) -> None:
    said = re.sub(r"\s+", " ", text)
    assert 'data-label="Stated" class="number">at least 4x<' in said
    assert 'data-label="Here" class="number">5.00x<' in said
    assert 'computed from <a href="tables/throughput.csv">' in said
    assert "Of 1 claims: 1 <span" in said


def test_words_are_those_of_the_glossary_and_are_on_the_page(text: str) -> None:
    glossary = (ROOT / "docs/glossary.md").read_text().replace("**", "")
    for word, meaning in WORDS.items():
        assert f"| {word} | {meaning} |" in glossary, word
        assert f"<dt>{word}</dt>" in text
    results = (ROOT / "docs/results.md").read_text()
    said = re.search(r"^\| `source` \| (.*) \|$", results, re.M)
    assert said is not None
    assert all(f"`{source}`" in said[1] for source in SOURCES)
    assert SOURCES["abstract"] in said[1]


def test_xnnpacks_operators_have_no_tile(text: str) -> None:
    section = text.split('id="bounds"')[1].split("</table>", maxsplit=1)[0]
    row = next(each for each in section.split("<tr>") if "xnnpack_nhwc_dense" in each)
    assert row.count('<td class="number">\u2013</td>') == 4


@pytest.mark.parametrize(
    ("n", "m", "said"), [("0.25", "full", "25% of K kept"), ("1.0", "4", "1:4")]
)
def test_patterns_say_what_is_kept(
    n: str, m: str, said: str, files: dict[str, list[Path]], provenance: Path, tmp_path: Path
) -> None:
    table = files["throughput"][0]
    table.write_text(table.read_text().replace(",0.5,x,", f",{n},{m},"))
    section = tmp_path / "throughput.html"
    write_section("throughput", provenance, files["throughput"], section)
    assert f"<td>{said}</td>" in section.read_text()


TEMPLATES = sorted((ROOT / "workflow/colonnade/report").glob("*.html.j2"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name.split(".")[0])
def test_templates_of_all_pages_keep_to_it(template: Path) -> None:
    """Those of pages and sections that no run of the workflow shows too."""
    found = Page(re.sub(r"{%.*?%}|{#.*?#}", "", template.read_text(), flags=re.S))
    assert all(each.get("scope") in ("col", "row", "rowgroup") for each in found.all("th"))
    assert all(
        each.get("tabindex") == "0" for each in found.all("div") if "scroll" in each["class"]
    )
    for kind, tags in found.blocks:
        inner = [tag for tag, _ in tags]
        if kind == "figure":
            assert "figcaption" in inner
        elif "caption" in inner:
            assert inner[1] == "caption", "a table's first element"


def test_templates_were_looked_at() -> None:
    assert len(TEMPLATES) > 15
