"""Tuning: which schedule runs each convolution, found by running candidates on the target.

The method starts from AITemplate's, where each distinct convolution is profiled over all candidates
and the fastest wins. Here an analytic prior ranks them (`prior`), only the promising ones run
(`search`), and a cache keeps what was run (`cache`).
"""

from colonnade.tuning.audit import audit_conv, quality_table, sample
from colonnade.tuning.bench import DENSE, Profiled
from colonnade.tuning.choice import choose, collect, schedule_key, tiles_for
from colonnade.tuning.search import choose_each, fastest, profile_conv

__all__ = [
    "DENSE",
    "Profiled",
    "audit_conv",
    "choose",
    "choose_each",
    "collect",
    "fastest",
    "profile_conv",
    "quality_table",
    "sample",
    "schedule_key",
    "tiles_for",
]
