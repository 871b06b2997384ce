# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Every kind of picture becomes what it shows in 8-bit RGB, or is refused by name."""

import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import ImageNetConfig
from colonnade.data.dataset import Example
from colonnade.data.imagenet import NORMALISATION, FolderSplit

PX = 40
Pixels = NDArray[np.uint8]


def _ramp() -> Pixels:
    """Grey levels 0 to 255 along a diagonal, [PX, PX]."""
    steps = np.add.outer(np.arange(PX), np.arange(PX)) * 255 // (2 * PX - 2)
    return steps.astype(np.uint8)


def _shown(path: Path) -> NDArray[np.float64]:
    """What a network sees of a file, in grey levels again: [PX, PX, 3]."""
    config = ImageNetConfig(name="imagenet", path=path.parent, image_px=round(PX * 224 / 256))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = FolderSplit([(path, 0)], config).image(Example(0, None))
    pixels = image.permute(1, 2, 0).numpy() * NORMALISATION.std + NORMALISATION.mean
    return np.asarray(pixels * 255)


def _expected(colours: Pixels) -> Pixels:
    """The crop that evaluation takes of a picture of PX pixels, which it does not resize."""
    size = round(PX * 224 / 256)
    start = round((PX - size) / 2)
    whole = np.broadcast_to(colours[..., None], (PX, PX, 3)) if colours.ndim == 2 else colours
    return whole[start : start + size, start : start + size]


def _png16(path: Path, colour_type: int, channels: int) -> None:
    """A 16-bit PNG of the ramp. Pillow writes grey ones only."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    levels = np.repeat((_ramp().astype(">u2") * 257)[..., None], channels, axis=2)
    levels = levels.astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", PX, PX, 16, colour_type, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path, colour_type: int, channels: int) -> None:
    """Of grey ones everything above 1/257 of white became white."""
    path = tmp_path / "deep.png"
    _png16(path, colour_type, channels)
    np.testing.assert_allclose(_shown(path), _expected(_ramp()), atol=0.01)


def _palette(path: Path) -> None:
    picture = Image.fromarray(_ramp()).convert("P")
    picture.save(path, transparency=bytes(range(256)))


def _rgba(path: Path) -> None:
    grey = Image.fromarray(_ramp())
    Image.merge("RGBA", (grey, grey, grey, grey.rotate(90))).save(path)


def _two_frames(path: Path) -> None:
    first = Image.fromarray(_ramp()).convert("RGB")
    options = {"lossless": True} if path.suffix == ".webp" else {}
    first.save(path, save_all=True, append_images=[first.rotate(90)], **options)


def _rotated(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(_ramp()).save(path, exif=exif)


def _of_mode(mode: str) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(_ramp()).convert(mode).save(path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("grey.png", _of_mode("L")),
        ("grey-alpha.png", _of_mode("LA")),
        ("colour.bmp", _of_mode("RGB")),
        ("palette.png", _palette),
        ("alpha.png", _rgba),
        ("animated.png", _two_frames),
        ("animated.webp", _two_frames),
        ("rotated.png", _rotated),
    ],
)
def test_pictures_are_what_they_show(
    tmp_path: Path, name: str, write: Callable[[Path], None]
) -> None:
    path = tmp_path / name
    write(path)
    np.testing.assert_allclose(_shown(path), _expected(_ramp()), atol=0.01)


def test_black_and_white_pictures_are_black_and_white(tmp_path: Path) -> None:
    path = tmp_path / "bits.png"
    Image.fromarray(_ramp() > 127).save(path)
    expected = np.where(_ramp() > 127, 255, 0).astype(np.uint8)
    np.testing.assert_allclose(_shown(path), _expected(expected), atol=0.01)


@pytest.mark.parametrize(("mode", "format_"), [("CMYK", "JPEG"), ("RGB", "MPO")])
def test_jpegs_of_printers_and_cameras_are_read(tmp_path: Path, mode: str, format_: str) -> None:
    """ImageNet has JPEGs in CMYK; telephones write several pictures into one file."""
    path = tmp_path / "picture.jpg"
    picture = Image.fromarray(_ramp()).convert("RGB").convert(mode)
    more = {"save_all": True, "append_images": [picture.rotate(90)]} if format_ == "MPO" else {}
    picture.save(path, format_, quality=95, **more)
    np.testing.assert_allclose(_shown(path), _expected(_ramp()), atol=12)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "BMP", "WEBP"])
def test_the_content_counts_not_the_name(tmp_path: Path, format_: str) -> None:
    for suffix in ("jpg", "PNG", "bmp", "webp"):
        path = tmp_path / f"picture.{suffix}"
        Image.fromarray(_ramp()).convert("RGB").save(path, format_)
        lost = 12 if format_ in ("JPEG", "WEBP") else 0.01
        np.testing.assert_allclose(_shown(path), _expected(_ramp()), atol=lost)


@pytest.mark.parametrize("mode", ["I", "F", "LAB", "I;16", "RGB"])
def test_other_formats_are_refused_by_name(tmp_path: Path, mode: str) -> None:
    """Grey levels of a TIFF have no range that is known, for one."""
    path = tmp_path / "picture.png"
    Image.new(mode, (PX, PX)).save(path, "TIFF")
    with pytest.raises(ColonnadeError, match=r"picture\.png: not an image of BMP, JPEG, PNG, WEBP"):
        _shown(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp"])
def test_truncated_pictures_are_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture.{suffix}"
    Image.fromarray(_ramp()).convert("RGB").save(path)
    content = path.read_bytes()
    for length in range(0, len(content) * 3 // 4, max(1, len(content) // 50)):
        path.write_bytes(content[:length])
        with pytest.raises(ColonnadeError, match=rf"picture\.{suffix}: (not an image|broken)"):
            _shown(path)


@pytest.mark.parametrize("size", [(1, 51), (65_000, 1), (1_000, 19)])
def test_lines_are_refused_by_name(tmp_path: Path, size: tuple[int, int]) -> None:
    """Enlarged until they are as wide as an input is, they would take gigabytes."""
    path = tmp_path / "line.png"
    Image.new("RGB", size).save(path)
    with pytest.raises(ColonnadeError) as refused:
        _shown(path)
    assert str(refused.value) == (
        f"{path}: {size[0]} x {size[1]} pixels; allowed: a longer side at most 50 times as long as the"
        " shorter one"
    )
    Image.new("RGB", (3, 150)).save(path)
    assert _shown(path).shape == (35, 35, 3)
