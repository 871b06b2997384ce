# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which searches are audited."""

import random
from collections.abc import Sequence

from colonnade.config.schema import ProfileConfig
from colonnade.tuning.bench import Profiled

Search = tuple[str, Profiled]


def sample(searches: Sequence[Search], settings: ProfileConfig) -> list[Search]:
    """The searches to audit: `settings.audit` of them, or all if there are fewer, by the seed."""
    count = min(settings.audit, len(searches))
    return random.Random(settings.seed).sample(searches, count)
