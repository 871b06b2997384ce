# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Values of a core's parameters by least squares: a search, one parameter after the other.

Only points whose role is `fitted` count. What a fit may change, and to which values, is a file of
kernels/timing/fits. Costs of single instructions are not fitted so: each has a measurement of its own.
"""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from colonnade.common.files import read_json, read_record, write_json
from colonnade.common.progress import Progress
from colonnade.validation.band import Value, with_values
from colonnade.validation.compare import PROGRAMS, Program
from colonnade.validation.kernels import KERNEL_POINTS, KernelPoint, Run
from colonnade.validation.model import TimingModel

# The sum of squares must fall by this share for a value to be taken.
_GAIN = 0.01


class Parameter(BaseModel):
    """A key of the core's description, dots between its parts, and the values that are tried."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    values: list[Value]


class Fit(BaseModel):
    """A file of kernels/timing/fits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: list[str]
    core: Path
    parameters: list[Parameter]


Values = dict[str, Value]
Residuals = Mapping[str, float]


def search(
    parameters: Sequence[Parameter],
    start: Values,
    residuals_of: Callable[[Values], Residuals],
) -> tuple[Values, Residuals, list[dict[str, Any]]]:
    """Coordinate descent from `start`, until a round over all parameters changes nothing.

    Args:
        parameters: what is tried, in this order.
        start: the values at first.
        residuals_of: log(modelled / published) of every fitted point with some values.

    Returns:
        The values, their residuals, and every trial: its values and its sum of squares.
    """
    chosen, residuals = dict(start), residuals_of(start)
    least = _squares(residuals)
    trials = [{"values": dict(chosen), "sum_of_squares": least}]
    changed = True
    while changed:
        changed = False
        for parameter in parameters:
            for value in parameter.values:
                tried = {**chosen, parameter.path: value}
                if any(trial["values"] == tried for trial in trials):
                    continue
                found = residuals_of(tried)
                trials.append({"values": tried, "sum_of_squares": _squares(found)})
                if _squares(found) < (1 - _GAIN) * least:
                    chosen, residuals, least, changed = tried, found, _squares(found), True
    return chosen, residuals, trials


def _squares(residuals: Residuals) -> float:
    return math.fsum(each**2 for each in residuals.values())


def fit_core(model: TimingModel, file: Path, output: Path) -> None:
    """Fit a core and write what was found: values, the residual of each point, and all trials.

    Raises:
        ColonnadeError: the file is missing or damaged, the core has no such key, or a program failed.
    """
    fit = read_record(file, Fit)
    description = read_json(fit.core, dict[str, Any])
    published = {point.name: point.published for point in KERNEL_POINTS if point.role == "fitted"}
    chosen, residuals, trials = fit_description(model, fit, description, published, str(file))
    record = {
        "core": str(fit.core),
        "values": chosen,
        "residuals_percent": {name: 100 * math.expm1(each) for name, each in residuals.items()},
        "trials": trials,
    }
    write_json(output, record)


def fit_description(
    model: TimingModel,
    fit: Fit,
    description: dict[str, Any],
    expected: Mapping[str, float],
    who: str,
    vlen: int = 256,
) -> tuple[Values, Residuals, list[dict[str, Any]]]:
    """Set the parameters of a core's description to what meets some points best.

    Args:
        model: the timing model.
        fit: the parameters, and what is tried of them.
        description: gets their values.
        expected: values of points by name, in their units.
        who: named in a message.
        vlen: bits of a vector register.

    Returns:
        What `search` does.

    Raises:
        ColonnadeError: the core has no such key, or a program failed.
    """
    points = [point for point in KERNEL_POINTS if point.name in expected]
    core = model.work / "fitted-core.json"
    programs = [(each, each.build(model)) for each in PROGRAMS if each.has_fitted]
    start = {parameter.path: _value(description, parameter.path) for parameter in fit.parameters}
    # Of one round; in the next ones most were tried before.
    round_trials = sum(len(set(each.values) | {start[each.path]}) - 1 for each in fit.parameters)
    with Progress(f"fit {fit.core.stem}", 1 + round_trials, "trial") as progress:

        def residuals_of(values: Values) -> Residuals:
            changed = with_values(copy.deepcopy(description), values, fit.core, who)
            write_json(core, changed)
            cycles = _cycles(model, programs, core, points, vlen)
            progress.reach(progress.done + 1, max(1 + round_trials, progress.done + 2))
            return {
                point.name: math.log(
                    point.value([cycles[run] for run in point.runs]) / expected[point.name]
                )
                for point in points
            }

        chosen, residuals, trials = search(fit.parameters, start, residuals_of)
    with_values(description, chosen, fit.core, who)
    return chosen, residuals, trials


def _value(description: Mapping[str, Any], path: str) -> Value:
    value: Any = description
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    found: Value = value
    return found


def _cycles(
    model: TimingModel,
    programs: Sequence[tuple[Program, Path]],
    core: Path,
    points: Sequence[KernelPoint],
    vlen: int,
) -> Mapping[Run, int]:
    """What the model says of the kernels of some points."""
    names = sorted({run[0] for point in points for run in point.runs})
    cycles: dict[Run, int] = {}
    for program, built in programs:
        regions = program.regions(model, built, core=core, vlen=vlen, names=names)
        cycles |= {run: int(region["cycles"]) for run, region in regions.items()}
    return cycles
