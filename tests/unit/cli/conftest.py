# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A settings file of the default configuration, and functions replaced by ones that note their calls."""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from colonnade.workflow.job_settings import SECTIONS
from colonnade.workflow.settings import Settings, read_settings
from colonnade.workflow.workflow import Workflow

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Noted:
    """A function that does nothing but note its arguments, as the one that it stands for has them."""

    signature: inspect.Signature
    returns: Callable[..., Any]
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, *given: Any, **named: Any) -> Any:
        # A call that the function itself would refuse is refused here.
        bound = self.signature.bind(*given, **named)
        bound.apply_defaults()
        self.calls.append(dict(bound.arguments))
        return self.returns(**bound.arguments)

    @property
    def call(self) -> dict[str, Any]:
        """The arguments of the only call; of a target its name, which commands give a container."""
        assert len(self.calls) == 1
        found = dict(self.calls[0])
        if "target" in found:
            found["target"] = found["target"].name
        return found


Note = Callable[..., Noted]


@pytest.fixture
def note(monkeypatch: pytest.MonkeyPatch) -> Note:
    """Replaces a function, named by module and name, by one that notes its calls."""

    def replace(module: str, name: str, returns: Callable[..., Any] = lambda **_: None) -> Noted:
        place = importlib.import_module(f"colonnade.{module}")
        noted = Noted(inspect.signature(getattr(place, name)), returns)
        monkeypatch.setattr(place, name, noted)
        return noted

    return replace


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Workflow:
    """The workflow of the default configuration, in a checkout."""
    monkeypatch.chdir(ROOT)
    values: dict[str, Any] = yaml.safe_load((ROOT / "config/default.yaml").read_text())
    return Workflow.from_config(values, [])


@pytest.fixture
def settings(plan: Workflow, tmp_path: Path) -> str:
    """A settings file with all of the default configuration, and its target."""
    path = plan.settings.of(*SECTIONS)
    file = tmp_path / "settings.json"
    file.write_text(plan.settings.text(Path(path).stem))
    return str(file)


@pytest.fixture
def given(settings: str) -> Settings:
    """What that file says."""
    return read_settings(Path(settings))
