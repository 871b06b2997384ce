# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What pyproject.toml cannot say: the package holds what was compiled for this machine."""

import re
import shutil
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

LIBRARY = "libcolonnade.so"
# Programs are linked statically; the library needs the C library that it was linked with, or a newer one.
NATIVE = (LIBRARY, "colonnade-run", "colonnade-bench")
BUILT = Path(__file__).parent / "results/build/host"


class BuildPackage(build_py):
    """Copies the library and the programs beside the modules, unless the package stays a checkout."""

    def run(self) -> None:
        """Build the package anew."""
        if self.editable_mode:
            super().run()
            return
        missing = [str(BUILT / name) for name in NATIVE if not (BUILT / name).is_file()]
        if missing:
            raise SetupError(
                f"{', '.join(missing)}: not built yet; `snakemake wheel` builds them, and the package"
            )
        # Modules that no longer exist would stay in it.
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        folder = Path(self.build_lib) / "colonnade/native"
        folder.mkdir()
        for name in NATIVE:
            shutil.copy2(BUILT / name, folder / name)


class BinaryDistribution(Distribution):
    """What is built is for one kind of machine."""

    def has_ext_modules(self) -> bool:
        """Say so."""
        return True


class BinaryWheel(bdist_wheel):
    """A wheel for any Python of this machine's architecture, with a C library that is new enough."""

    def get_tag(self) -> tuple[str, str, str]:
        """Tag the wheel by the newest function of the C library that the shared library needs."""
        if not (BUILT / LIBRARY).is_file():
            # A checkout stays where it is, and is installed before anything is compiled.
            return super().get_tag()
        versions = re.findall(rb"\0GLIBC_2\.(\d+)", (BUILT / LIBRARY).read_bytes())
        _, _, platform = super().get_tag()
        newest = max(map(int, versions))
        return "py3", "none", platform.replace("linux_", f"manylinux_2_{newest}_", 1)


setup(distclass=BinaryDistribution, cmdclass={"build_py": BuildPackage, "bdist_wheel": BinaryWheel})
