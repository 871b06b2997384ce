# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The toolchain container: built once, then every compiler and emulator run happens in it.

    engine = select_engine("auto")          # or docker, podman, rootfs
    image = engine.build(root)              # seconds if nothing in containers/ changed
    image.save(root / "results/toolchain/image.json")

    container = open_image(root / "results/toolchain/image.json", root)
    container.run(["sh", "kernels/build.sh", "riscv64", "results/build/riscv64"], log=log)
    text = container.run(["clang-19", "--version"]).stdout

Inside, the checkout `root` is `/colonnade`, which is also the working directory: pass paths
relative to `root`. Files written there belong to the caller. A failed command raises ColonnadeError
with the last lines it printed. One interface, three engines: Docker, Podman, and a root file system
where there is neither. Image and rootfs are made by the same scripts, `containers/steps/`.
"""

from colonnade.container.engine import Container, Engine
from colonnade.container.image import Image
from colonnade.container.selection import open_image, select_engine
from colonnade.container.transcript import CompletedRun

__all__ = ["CompletedRun", "Container", "Engine", "Image", "open_image", "select_engine"]
