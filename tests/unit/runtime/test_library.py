# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The C interface by ctypes: what is loaded, what is refused, and failures in the library's words."""

import ctypes
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.runtime import library
from colonnade.runtime.library import Library, Options

from .stand_in import OptionsOfC, StandIn


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the library is looked for."""
    found = tmp_path / "libcolonnade.so"
    monkeypatch.setattr(library, "native", found.with_name)
    return found


def test_functions_are_called_by_their_short_names(stand_in: StandIn) -> None:
    call = Library()
    assert call("version") == b"0.1.0"
    assert call("abi") == 1
    assert [call("input_channels", 1, index) for index in range(2)] == [3, 2]
    assert call("destroy", 4097) is None
    assert stand_in.destroyed == [4097]
    # An address is as wide as a pointer, which an undeclared argument would not be.
    call("destroy", 2**48 + 1)
    assert stand_in.destroyed[1] == 2**48 + 1


def test_a_status_that_is_not_0_is_told_in_the_librarys_words(stand_in: StandIn) -> None:
    call = Library()
    sizes = (ctypes.c_size_t * 8)(1, 3, 4, 4, 1, 2, 1, 1)
    assert call("reshape", 1, sizes) == 0
    sizes[5] = 7
    with pytest.raises(ColonnadeError) as told:
        call("reshape", 1, sizes)
    assert str(told.value) == "input 'features' has 7 channels"
    assert len(stand_in.reshaped) == 2


@pytest.mark.usefixtures("stand_in")
def test_what_answers_no_status_may_answer_any_number() -> None:
    assert Library()("input_count", 1) == 2


def test_a_file_that_is_no_library_is_named(path: Path) -> None:
    path.write_text("no library")
    with pytest.raises(ColonnadeError) as told:
        Library()
    assert str(told.value).startswith(f"{path}: cannot be loaded: ")
    path.unlink()
    with pytest.raises(ColonnadeError, match=r"libcolonnade\.so: cannot be loaded: .*No such file"):
        Library()


def test_a_library_without_our_functions_is_refused(path: Path) -> None:
    shutil.copy(np._core._multiarray_umath.__file__, path)  # type: ignore[attr-defined]
    with pytest.raises(ColonnadeError, match=r"cannot be loaded: .*undefined symbol: colonnade_"):
        Library()


def test_a_library_of_another_abi_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: StandIn(abi=2))
    with pytest.raises(ColonnadeError) as told:
        Library()
    assert str(told.value) == f"{path}: of ABI 2; allowed: 1, which `snakemake kernels_host` builds"


def test_options_lie_as_the_header_says() -> None:
    assert ctypes.sizeof(Options) == ctypes.sizeof(OptionsOfC)
    for name, kind in OptionsOfC._fields_:
        assert getattr(Options, name).offset == getattr(OptionsOfC, name).offset
        assert getattr(Options, name).size == ctypes.sizeof(kind)


@pytest.fixture
def forgotten() -> Iterator[None]:
    library.library.cache_clear()
    yield
    library.library.cache_clear()


@pytest.mark.usefixtures("forgotten")
def test_it_is_loaded_once_and_a_failure_is_not_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("no library")
    with pytest.raises(ColonnadeError, match="cannot be loaded"):
        library.library()
    loads = []

    def load(name: str) -> StandIn:
        loads.append(name)
        return StandIn()

    monkeypatch.setattr(ctypes, "CDLL", load)
    assert library.library() is library.library()
    assert loads == [str(path)]
