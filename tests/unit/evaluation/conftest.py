# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Packages of small networks, each with its checkpoint beside it."""

from pathlib import Path

import pytest

from colonnade.config.data import ImageNetConfig

from .packaged import classifier, pair, write_package


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of pictures, of which it says nothing."""
    return write_package(tmp_path_factory.mktemp("small"), classifier())


@pytest.fixture(scope="session")
def stated_package(tmp_path_factory: pytest.TempPathFactory, folder_data: ImageNetConfig) -> Path:
    """The same of a data set, so that it states what becomes of pictures."""
    return write_package(tmp_path_factory.mktemp("stated"), classifier(), data=folder_data)


@pytest.fixture(scope="session")
def pair_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two inputs and two outputs."""
    return write_package(tmp_path_factory.mktemp("pair"), pair())
