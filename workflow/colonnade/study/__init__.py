"""The accuracy study: patterns and recipes compared at equal budget, over several seeds.

What judges networks and sums them up is imported from its module, for its heavy libraries:
`evaluation` and `results`.
"""

from colonnade.study.runs import START, Evaluated, StudyRun, study_runs
from colonnade.study.settings import StudyConfig

__all__ = ["START", "Evaluated", "StudyConfig", "StudyRun", "study_runs"]
