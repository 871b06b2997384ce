# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A changed digit anywhere in a folder of results is found and named."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.results.crate import METADATA, SUMS, Made, files_of, write_crate
from colonnade.results.verification import Place
from colonnade.results.verification import verify as check

from .invented import CLAIMS, SNAKEFILE, invent

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
RAW = "throughput/dense/colnm_dense.json"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Made]]:
    folder = tmp_path_factory.mktemp("run") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return folder, invent(folder)


@pytest.fixture
def results(
    original: tuple[Path, list[Made]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of the results, which is all that there is: no toolchain, no programs."""
    monkeypatch.chdir(ROOT)
    return Path(shutil.copytree(original[0], tmp_path / "copied"))


def verify(results: Path) -> None:
    cli.main(["verify", str(results)], standalone_mode=False)


def refusal(results: Path) -> str:
    with pytest.raises(ColonnadeError, match="not as the run left it") as refused:
        verify(results)
    return str(refused.value)


def change_a_digit(path: Path) -> None:
    """The last digit of a file becomes another one; of a file without any, its last byte."""
    content = bytearray(path.read_bytes())
    digits = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
    place = digits[-1] if digits else len(content) - 1
    if content:
        content[place] = ord("4") if content[place] != ord("4") else ord("5")
    path.write_bytes(content or b"4")


def jobs_of(
    original: tuple[Path, list[Made]], results: Path, left_out: str | None = None
) -> list[Made]:
    """The jobs of the run, as if it had been into the copy, but for those of a rule."""
    return [
        Made(
            job.rule,
            *(
                [each.replace(str(original[0]), str(results)) for each in listed]
                for listed in (job.command, job.inputs, job.outputs, job.logs)
            ),
        )
        for job in original[1]
        if job.rule != left_out
    ]


def record_again(
    original: tuple[Path, list[Made]], results: Path, left_out: str | None = None
) -> None:
    """Give a changed folder a crate that has its checksums, as one who covers a change would."""
    write_crate(results, jobs_of(original, results, left_out), [SNAKEFILE, CLAIMS], "1.2.3")


def described(results: Path) -> set[str]:
    """What the crate has an entity of."""
    return {each["@id"] for each in json.loads((results / METADATA).read_text())["@graph"]}


def test_what_a_run_left_is_verified(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verify(results)
    said = capsys.readouterr().out
    count = len(files_of(results))
    assert count > 25
    assert f"{count} files, " in said
    again = re.findall(r"^  (\S+)$", said, re.M)
    assert again == [
        *(f"tables/{name}.csv" for name in ("throughput", "accuracy", "packages")),
        "claims.json",
        *(
            f"report/{name}.html"
            for name in ("claims", "throughput", "accuracy", "layers", "cycles", "provenance")
        ),
        "report.html",
    ]


def test_a_changed_digit_in_any_file_is_named(
    original: tuple[Path, list[Made]], results: Path
) -> None:
    names = [*files_of(results), METADATA, SUMS]
    kinds = {Path(name).suffix for name in names}
    assert {".json", ".csv", ".html", ".safetensors", ".log", ".yaml", ""} <= kinds

    def compute(arguments: Sequence[str], place: Place) -> None:
        """What the command computes of the unchanged files: here their checksums are looked at."""
        for word in {*arguments} & {*names}:
            if not (made := place(Path(word))).exists():
                shutil.copyfile(original[0] / word, made)

    for name in names:
        kept = (results / name).read_bytes()
        change_a_digit(results / name)
        said = [each.split(":")[:2] for each in check(results, compute).problems]
        assert [name, " changed"] in [[one, other.split(",")[0]] for one, other in said], name
        (results / name).write_bytes(kept)
    assert check(results, compute).problems == []


@pytest.mark.parametrize(
    ("changed", "digit", "named"),
    [
        (RAW, '"total": {\n    "cycles": ', {"tables/throughput.csv"}),
        (
            RAW,
            '"layers": [\n    {\n      "name": "conv1",\n      "op": "conv2d",\n      "cycles": ',
            {"report/layers.html"},
        ),
        ("accuracy/full0.5.json", '"top1_target": 0.', {"tables/accuracy.csv"}),
        ("accuracy/dense.json", '"max_abs_logit_difference": ', {"report/accuracy.html"}),
        ("packages/dense/graph.json", '"checkpoint_sha256": "of ', {"tables/packages.csv"}),
        (
            "tables/throughput.csv",
            "colnm_dense,,,0.0,",
            {"tables/throughput.csv", "report/throughput.html"},
        ),
        ("tables/packages.csv", "dense,,,0.0,", {"tables/packages.csv", "claims.json"}),
        ("claims.json", '"our_value": ', {"claims.json", "report/claims.html"}),
        ("inputs/config/claims.yaml", "stated: ", {"claims.json"}),
        ("provenance.json", '"git_commit": "', {"report/provenance.html", "report/claims.html"}),
        (
            "report/claims.html",
            'data-label="Here" class="number">',
            {"report/claims.html", "report.html"},
        ),
        ("report.html", '<span class="what">images per second</span><b>', {"report.html"}),
    ],
    ids=lambda each: each if isinstance(each, str) and "/" in each else None,
)
def test_a_change_with_new_checksums_is_found_by_what_follows_from_it(
    original: tuple[Path, list[Made]], results: Path, changed: str, digit: str, named: set[str]
) -> None:
    text = (results / changed).read_text()
    place = text.index(digit) + len(digit)
    other = "9" if text[place] != "9" else "8"
    (results / changed).write_text(text[:place] + other + text[place + 1 :])
    before = described(results)
    copies = {name: (results / name).read_bytes() for name in files_of(results)}
    record_again(original, results)
    for name, content in copies.items():
        if name.startswith("inputs/"):
            (results / name).write_bytes(content)
    said = refusal(results)
    found = set(re.findall(r"^  (\S+): line \d+: ", said, re.M))
    assert named <= found, said
    assert before <= described(results)


@pytest.mark.parametrize("added", ["\n9,9\n", "\n"])
def test_what_follows_an_empty_line_is_found_too(
    original: tuple[Path, list[Made]], results: Path, added: str
) -> None:
    table = results / "tables/throughput.csv"
    table.write_text(table.read_text() + added)
    record_again(original, results)
    assert re.search(
        r"^  tables/throughput\.csv: (line \d+: |\d+ bytes; recomputed)", refusal(results), re.M
    )


def test_a_file_that_is_gone_or_new_is_named(results: Path) -> None:
    (results / RAW).unlink()
    (results / "tables/other.csv").write_text("1\n")
    said = refusal(results)
    assert f"  {RAW}: not there" in said
    assert "  tables/other.csv: not of the run" in said
    assert "  tables/throughput.csv: cannot be recomputed: " in said


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        (METADATA, None, "not there; the end of a run writes it"),
        (METADATA, "{", "not a valid JSON file"),
        (METADATA, '{"@graph": [{"@id": 3}]}', "@graph.0.@id: 3; "),
        (SUMS, None, "cannot be read"),
        (SUMS, "ab  file\n", "line 1: 'ab  file'; allowed: 64 hex digits"),
    ],
)
def test_a_damaged_crate_is_refused(
    results: Path, file: str, content: str | None, expected: str
) -> None:
    if content is None:
        (results / file).unlink()
    else:
        (results / file).write_text(content)
    with pytest.raises(ColonnadeError, match=re.escape(expected)) as refused:
        verify(results)
    assert str(refused.value).startswith(str(results / file))


def test_a_command_of_the_crate_runs_nothing_but_what_computes_results(
    results: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    crate = (results / METADATA).read_text()
    for command in (
        f"touch {mark}",
        f"colonnade build host --log {mark}",
        "colonnade step train a b",
    ):
        entry = {
            **{"@id": f"#{command}", "@type": "CreateAction", "description": command},
            "result": [{"@id": "report.html"}],
        }
        document = json.loads(crate)
        document["@graph"].append(entry)
        (results / METADATA).write_text(json.dumps(document))
        assert "report.html: cannot" not in refusal(results)
        assert not mark.exists()


def test_sha256sum_reads_the_checksums(results: Path) -> None:
    command = ["sha256sum", "--check", "--strict", "--quiet", SUMS]
    assert subprocess.run(command, cwd=results, check=False).returncode == 0
    change_a_digit(results / RAW)
    ran = subprocess.run(command, cwd=results, check=False, capture_output=True, text=True)
    assert ran.returncode == 1
    assert f"{RAW}: FAILED" in ran.stdout


def test_what_another_target_left_keeps_its_command(
    original: tuple[Path, list[Made]], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record_again(original, results, left_out="packages")
    verify(results)
    assert "  tables/packages.csv\n" in capsys.readouterr().out


def test_what_another_target_read_of_the_checkout_stays_while_a_command_needs_it(
    original: tuple[Path, list[Made]], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = jobs_of(original, results)
    later = [job for job in jobs if job.rule == "throughput"]
    for made_with in ([SNAKEFILE, Path("config/default.yaml")], [SNAKEFILE]):
        write_crate(results, later, made_with, "1.2.3")
        verify(results)
        assert "  claims.json\n" in capsys.readouterr().out
    copies = [name for name in files_of(results) if name.startswith("inputs/")]
    assert copies == ["inputs/Snakefile", f"inputs/{CLAIMS}"]
    # The run that judges claims anew reads them elsewhere: nothing needs the copy.
    (anew,) = (job for job in jobs if job.rule == "claims")
    elsewhere = [each for each in anew.inputs if each != str(CLAIMS)]
    write_crate(results, [replace(anew, inputs=elsewhere)], [SNAKEFILE], "1.2.3")
    assert not (results / "inputs" / CLAIMS).exists()


def test_the_log_of_a_job_whose_results_lie_elsewhere_is_part_of_the_run(
    original: tuple[Path, list[Made]], results: Path
) -> None:
    (results / "logs/peers.log").write_text("installed\n")
    log = str(results / "logs/peers.log")
    peers = Made("peers", ["sh", "peers.sh"], [], [".colonnade/peers.tsv"], [log])
    write_crate(results, [*jobs_of(original, results), peers], [SNAKEFILE, CLAIMS], "1.2.3")
    verify(results)


def test_a_run_that_made_nothing_of_a_folder_without_a_crate_leaves_it_without(
    results: Path,
) -> None:
    (results / METADATA).unlink()
    programs = Made("kernels_host", ["colonnade"], [], [str(results / "build/host/run")], [])
    write_crate(results, [programs], [SNAKEFILE], "1.2.3")
    assert not (results / METADATA).exists()
    assert (results / "inputs" / CLAIMS).exists()


def test_other_folders_of_results_and_what_runs_share_are_no_part_of_it(results: Path) -> None:
    before = files_of(results)
    for name in (
        "build/host/a",
        "toolchain/image.json",
        "docs/index.html",
        "riscv-programs/measure.sh",
        "wheel/colonnade.whl",
        ".hidden",
        "mine/x.csv",
    ):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text("1")
    assert files_of(results) == sorted([*before, "mine/x.csv"])
    (results / "mine/scope.json").write_text("{}")
    assert files_of(results) == before
