# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tuning as the target's time asks for it: by the cost model, or by races."""

from collections.abc import Sequence
from pathlib import Path

from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.targets.target import Target
from colonnade.tuning.bench import Profiled
from colonnade.tuning.measured import profile_measured
from colonnade.tuning.search import profile_conv


def profile(
    target: Target,
    conv: ConvShape,
    profiled: Sequence[Profiled],
    settings: ProfileConfig,
    timed: ThroughputConfig,
    searches: int,
    output: Path,
) -> None:
    """Tune one convolution at every pattern and write what was run to `output`.

    Args:
        searches: as many as all convolutions of the network have: they share the time.

    Raises:
        ColonnadeError: see `profile_conv` and `profile_measured`.
    """
    if target.evidence == "modelled":
        profile_conv(target, conv, profiled, settings, timed, output)
    else:
        seconds = seconds_of_a_search(settings, searches)
        profile_measured(target, conv, profiled, settings, timed, seconds, output)


def seconds_of_a_search(settings: ProfileConfig, searches: int) -> float:
    """Time of a search where time is measured: all have the same."""
    return 60 * settings.minutes / searches
