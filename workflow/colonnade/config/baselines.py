# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Configuration section `baselines`: what `dense-baselines` compares beside what the toolchain has."""

from pydantic import Field

from colonnade.config.section import InputFile, Section


class BaselinesConfig(Section):
    """Section `baselines`: libraries whose sources are the user's."""

    onednn: InputFile | None = Field(
        default=None,
        description="oneDNN's sources, 3.12 or newer, as an archive (`.tar.gz` and alike); null:"
        " without oneDNN.",
    )
