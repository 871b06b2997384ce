"""The accuracy study: patterns and recipes compared at equal budget, over several seeds."""

from colonnade.study.results import Evaluated, evaluate_run, write_study
from colonnade.study.runs import START, StudyRun, study_runs
from colonnade.study.settings import StudyConfig

__all__ = [
    "START",
    "Evaluated",
    "StudyConfig",
    "StudyRun",
    "evaluate_run",
    "study_runs",
    "write_study",
]
