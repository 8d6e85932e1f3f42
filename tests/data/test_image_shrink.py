"""Large pictures are made smaller on the way: to area means, within bounded memory, whatever the mode."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mpm.data.images.shrink import shrunk
from mpm.images import decode_image


def smooth(width: int, height: int, channels: int = 3) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (9, 13, channels), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, channels)


@pytest.mark.parametrize("size", [(300, 200), (150, 100), (137, 61), (299, 199), (1, 1), (300, 1)])
def test_bands_give_area_means(size):
    pixels = smooth(300, 200)
    small = np.asarray(shrunk(Image.fromarray(pixels), size)).astype(int)
    whole = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX)).astype(int)
    assert small.shape == whole.shape and np.abs(small - whole).max() <= 1, "bands leave no seams"


def test_what_may_not_be_averaged_is_left_alone():
    for image in (
        Image.fromarray(smooth(40, 30)).convert("P"),
        Image.fromarray(smooth(40, 30, 4), "RGBA"),
        Image.fromarray(smooth(40, 30)),
    ):
        image.info["transparency"] = 0
        assert shrunk(image, (20, 15)) is image
    plain = Image.fromarray(smooth(40, 30))
    assert shrunk(plain, (40, 30)) is plain and shrunk(plain, (80, 60)) is plain


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
@pytest.mark.parametrize("size", [(400, 300), (401, 299), (790, 613)])
def test_every_kind_comes_out_at_the_size_asked_for(kind, mode, size, tmp_path):
    if (kind, mode) in (("JPEG", "P"), ("WEBP", "P")):
        pytest.skip(f"{kind} has no palette")
    pixels = smooth(*size)
    path = tmp_path / "large"
    path.write_bytes(saved(Image.fromarray(pixels).convert(mode), kind))
    full, small = decode_image(path), decode_image(path, max_side_px=200)
    width, height = 200, max(1, round(size[1] * 200 / size[0]))
    assert small.rgb.shape == (height, width, 3)
    assert any(f"to {width} x {height}" in note for note in small.notes)
    expected = cv2.resize(full.rgb, (width, height), interpolation=cv2.INTER_AREA).astype(int)
    # libjpeg halves an odd side to one pixel more than half, so what it shows lies a little off.
    assert np.abs(small.rgb - expected).mean() < (4 if kind == "JPEG" else 2)


def saved(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def test_a_turned_picture_is_turned_at_its_smaller_size(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    Image.fromarray(smooth(400, 200)).save(path, exif=exif)
    assert decode_image(path, max_side_px=100).rgb.shape == (100, 50, 3)
