# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The crate of a folder of results is a Workflow Run Crate, as the public validator has it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rocrate_validator import models, services
from rocrate_validator.utils import http

from colonnade.results.crate import METADATA

from .invented import invent

pytestmark = pytest.mark.slow


ROOT = Path(__file__).resolve().parents[3]
SCHEMA = "http://schema.org/"
CONTEXTS = {
    "https://w3id.org/ro/crate/1.1/context",
    "https://w3id.org/ro/terms/workflow-run/context",
}
# Terms of both contexts that the crate uses, as these define them: the validator fetches the contexts.
TERMS = {
    **dict.fromkeys(("CreateAction", "CreativeWork", "Dataset", "SoftwareApplication")),
    **dict.fromkeys(("ComputerLanguage", "SoftwareSourceCode")),
    **dict.fromkeys(("about", "alternateName", "contentSize", "datePublished", "description")),
    **dict.fromkeys(
        ("encodingFormat", "endTime", "hasPart", "identifier", "instrument", "license")
    ),
    **dict.fromkeys(("mainEntity", "mentions", "name", "object", "programmingLanguage", "result")),
    **dict.fromkeys(("softwareVersion", "url", "version")),
    "File": f"{SCHEMA}MediaObject",
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
    "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
}


class Context:
    """What a server says that has such a context."""

    status_code = 200
    headers: Mapping[str, str] = {"Content-Type": "application/ld+json"}
    text = json.dumps({"@context": {term: iri or f"{SCHEMA}{term}" for term, iri in TERMS.items()}})

    def json(self) -> Any:
        return json.loads(self.text)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(ROOT)

    def get(_: Any, url: str, **_options: Any) -> Context:
        assert url in CONTEXTS
        return Context()

    monkeypatch.setattr(http.HttpRequester, "get", get, raising=False)
    invent(tmp_path / "results")
    return tmp_path / "results"


def problems(results: Path) -> list[str]:
    """What the profile requires, and the crate has not."""
    settings = services.ValidationSettings(
        rocrate_uri=str(results),
        profile_identifier="workflow-run-crate-0.5",
        requirement_severity=models.Severity.REQUIRED,
    )
    result = services.validate(settings)
    assert len(result.executed_checks) > 40
    return [f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()]


def test_a_folder_of_results_is_a_workflow_run_crate(results: Path) -> None:
    assert problems(results) == []


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ('"ComputationalWorkflow"', '"Dataset"'),
        ('"mainEntity"', '"name"'),
        ('"instrument": ', '"name": '),
        ('"datePublished"', '"name"'),
    ],
)
def test_the_validator_finds_what_is_wrong(results: Path, text: str, other: str) -> None:
    crate = (results / METADATA).read_text()
    assert text in crate
    (results / METADATA).write_text(crate.replace(text, other))
    assert problems(results) != []
