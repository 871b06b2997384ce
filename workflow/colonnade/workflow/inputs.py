# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Files that jobs read and no rule makes, and what running a program on a target needs."""

from dataclasses import dataclass
from pathlib import Path

from colonnade.common.paths import (
    BANDS,
    BASELINE,
    IMAGE,
    LAYER_BASELINE,
    PROBE,
    TARGETS,
    TIMING_MODEL,
    VALIDATED_CORE,
    program,
)
from colonnade.config.baselines import BaselinesConfig
from colonnade.config.data import DataConfig, folders_of
from colonnade.config.model import ModelConfig
from colonnade.config.target import TargetConfig, load_target
from colonnade.container.recipe import recipe_files
from colonnade.validation.band import read_band
from colonnade.validation.other_cores import OTHER_CORES


@dataclass(frozen=True)
class Machine:
    """A target, as its jobs depend on it. What it has not is an empty list."""

    target: TargetConfig

    def program(self, name: str) -> list[str]:
        """What running a program needs."""
        names = [name] if self.target.board is None else [name, PROBE]
        return [str(IMAGE), *(str(program(self.target.part, each)) for each in names)]

    def timed_program(self, name: str) -> list[str]:
        """What running a program needs, and taking its time."""
        plugin = [str(TIMING_MODEL)] if self.target.is_emulated else []
        return [*self.program(name), *plugin, *self.core]

    def timing_threads(self, cores: int) -> int:
        """Cores that a job takes which times code: where time is measured all of them, so that nothing
        runs beside it.
        """
        return 1 if self.target.is_emulated else cores

    @property
    def core(self) -> list[str]:
        """The description of the core; none of this machine's."""
        return [] if self.target.core is None else [str(self.target.core)]

    @property
    def band(self) -> list[str]:
        """What is not known of the core; none if time is measured, or without a band."""
        bands = [BANDS / Path(core).name for core in self.core if self.target.is_emulated]
        return [str(band) for band in bands if band.exists()]

    @property
    def retuned(self) -> list[str]:
        """Names of the band's cores for which schedules are tuned again."""
        return [name for band in self.band for name in read_band(Path(band)).retuned]

    def modelled(self, *tables: str) -> list[str]:
        """Those tables that only a timing model can give, where there is one."""
        return list(tables) if self.target.is_emulated else []


def machine(name: str) -> Machine:
    """A target of config/targets.

    Raises:
        ColonnadeError: there is none of that name.
    """
    return Machine(load_target(TARGETS, name))


def validated_cores() -> list[str]:
    """Descriptions of the cores that the timing model is validated with."""
    return [str(VALIDATED_CORE), *(str(core.description) for core in OTHER_CORES)]


def recipe() -> list[str]:
    """Files that the toolchain image is built from."""
    return [str(path) for path in recipe_files(Path())]


def kernel_sources() -> list[str]:
    """Files that the programs are built from."""
    ours = [file for file in _files("kernels") if not file.startswith("kernels/timing/")]
    return [*ours, "kernels/timing/marker.h"]


def library() -> list[str]:
    """Files that the Python package is made of."""
    return [*_files("workflow/colonnade"), "pyproject.toml", "setup.py"]


def timing_sources() -> list[str]:
    """Files that the timing model is built from."""
    sources = [*_files("kernels/timing/src"), "kernels/timing/CMakeLists.txt"]
    return [*sources, "kernels/build.sh"]


def validation_sources() -> list[str]:
    """Files of the kernels that the timing model is validated with."""
    return [*_files("kernels/timing/validation"), "kernels/timing/marker.h"]


def peers() -> list[str]:
    """Files that pin the engines that networks are compared with."""
    return _files("workflow/envs/peers")


def baseline() -> list[str]:
    """The recorded throughput that a nightly run is compared with, if there is one."""
    return [str(BASELINE)] if BASELINE.exists() else []


def layer_baseline() -> list[str]:
    """The recorded layers that a nightly run is compared with, if there are any."""
    return [str(LAYER_BASELINE)] if LAYER_BASELINE.exists() else []


def weights(model: ModelConfig) -> list[str]:
    """The file of weights that training starts from, if there is one."""
    return [] if model.weights is None else [str(model.weights)]


def onednn(baselines: BaselinesConfig) -> list[str]:
    """The archive of oneDNN's sources, if there is one."""
    return [] if baselines.onednn is None else [str(baselines.onednn)]


def images(data: DataConfig) -> list[str]:
    """The folders of images and labels, if the data set is one that is not made here."""
    return [str(folder) for folder in folders_of(data)]


def _files(directory: str) -> list[str]:
    """Sources: what Python keeps of a module that was imported is none."""
    files = (path for path in Path(directory).rglob("*") if path.is_file())
    return sorted(str(path) for path in files if "__pycache__" not in path.parts)
