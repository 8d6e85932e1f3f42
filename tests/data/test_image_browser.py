"""Every kind of file that Chromium reads: the same pixels here, mean difference below two levels."""

from __future__ import annotations

import base64
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, features
from support.image_files import (
    bmp,
    chunk,
    cmyk_profile,
    encoded,
    gif,
    gray_profile,
    interlaced_png,
    moved_webp,
    packed,
    png,
    with_chunks,
)

from mpm.data.images import decode_image
from mpm.data.images.colour_spaces import coded_profile, gamma_profile

pytestmark = pytest.mark.browser

DRAW = """async ([data, type]) => {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([bytes], {type}));
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const pen = canvas.getContext('2d', {colorSpace: 'srgb', willReadFrequently: true});
  pen.fillStyle = 'white';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0);
  const rgba = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  let text = '';
  for (let k = 0; k < rgba.length; k += 8192) text += String.fromCharCode(...rgba.subarray(k, k + 8192));
  return [canvas.height, canvas.width, btoa(text)];
}"""

RNG = np.random.default_rng(0)
CLOUDS = Image.fromarray(RNG.integers(0, 256, (12, 16, 3), np.uint8)).resize(
    (96, 64), Image.Resampling.BICUBIC
)
PROFILES = {
    "Display P3": coded_profile(12, 13),
    "BT.2020": coded_profile(9, 13),
    "video": coded_profile(5, 6, video_gamma=2.4),
    "linear": gamma_profile(1.0, None),
    "Adobe RGB": gamma_profile(2.2, ((0.3127, 0.329), (0.64, 0.33), (0.21, 0.71), (0.15, 0.06))),
    "ProPhoto": gamma_profile(1.8, ((0.3457, 0.3585), (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))),
    "gray": gray_profile(1.0),
    "broken": b"x" * 500,
}
LOSSLESS = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}, "AVIF": {"quality": 95}}
MODES = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA"],
    "JPEG": ["L", "RGB", "CMYK"],
    "WEBP": ["RGB", "RGBA"],
    "GIF": ["L", "RGB"],
    "BMP": ["1", "L", "P", "RGB", "RGBA"],
}
MODES |= {"AVIF": ["RGB", "RGBA"]} if features.check("avif") else {}


def turned_clear(mode):
    """The picture in a mode, with clear corners where it has an alpha channel."""
    return CLOUDS.convert("RGBA").rotate(30).convert(mode) if mode in ("LA", "RGBA") else CLOUDS.convert(mode)


def pillow_files():
    for format, modes in MODES.items():
        for mode in modes:
            yield f"{format} {mode}", encoded(turned_clear(mode), format, **LOSSLESS.get(format, {}))
    for options in (
        {"progressive": True},
        {"optimize": True},
        {"subsampling": 2},
        {"restart_marker_rows": 1},
    ):
        yield f"JPEG {options}", encoded(CLOUDS, "JPEG", quality=90, **options)


def files_with_profiles():
    for format, name in itertools.product(("PNG", "JPEG", "WEBP", "AVIF"), PROFILES):
        for mode in MODES.get(format, []):
            if not (mode == "CMYK" or format == "AVIF" and name in ("gray", "broken")):
                options = {"icc_profile": PROFILES[name], **LOSSLESS.get(format, {})}
                yield f"{format} {mode} in {name}", encoded(turned_clear(mode), format, **options)


def cmyk_files():
    for black in (0, 20, 40):
        profile = cmyk_profile(black)
        yield f"JPEG CMYK {black}", encoded(CLOUDS.convert("CMYK"), "JPEG", quality=95, icc_profile=profile)


def png_rows(bits, samples, colours):
    values = RNG.integers(0, colours, (9, 17, samples))
    return values, [packed([row], bits, ">") for row in values]


def raw_pngs():
    """Every colour type and depth, with and without a transparent colour, with a profile and with gAMA."""
    extras = {"": b"", " gAMA": chunk(b"gAMA", struct.pack(">L", 60_000))}
    extras[" P3"] = chunk(b"iCCP", b"p3\0\0" + zlib.compress(PROFILES["Display P3"]))
    kinds = {
        0: (1, (1, 2, 4, 8, 16)),
        2: (3, (8, 16)),
        3: (1, (1, 2, 4, 8)),
        4: (2, (8, 16)),
        6: (4, (8, 16)),
    }
    for kind, (samples, depths) in kinds.items():
        for bits, (name, extra) in itertools.product(depths, extras.items()):
            colours = min(1 << bits, 7) if kind == 3 else 1 << bits
            values, rows = png_rows(bits, samples, colours)
            extra += chunk(b"PLTE", RNG.bytes(3 * colours)) if kind == 3 else b""
            yield f"PNG type {kind}, {bits} bits{name}", png(17, 9, bits, kind, rows, extra)
            if kind in (0, 2, 3):
                key = struct.pack(f">{samples}H", *values[3, 4].tolist()) if kind != 3 else b"\0\x80"
                data = png(17, 9, bits, kind, rows, extra + chunk(b"tRNS", key[: max(2, len(key))]))
                yield f"PNG type {kind}, {bits} bits{name}, tRNS", data


def pngs_with_numbers():
    data = encoded(CLOUDS, "PNG")
    for primaries, transfer in (
        (12, 13),
        (9, 14),
        (1, 1),
        (1, 4),
        (5, 5),
        (1, 8),
        (4, 4),
        (6, 6),
        (7, 7),
        (2, 2),
    ):
        code = chunk(b"cICP", bytes([primaries, transfer, 0, 1]))
        yield f"PNG cICP {primaries} {transfer}", with_chunks(data, code)
    points = chunk(b"cHRM", struct.pack(">8L", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
    for gamma in (30_000, 45_455, 47_000, 55_555, 100_000):
        told = chunk(b"gAMA", struct.pack(">L", gamma))
        yield f"PNG gAMA {gamma}", with_chunks(data, told)
        yield f"PNG gAMA {gamma} and cHRM", with_chunks(data, told, points)
    yield "PNG cHRM", with_chunks(data, points)
    yield (
        "PNG sRGB and gAMA",
        with_chunks(data, chunk(b"sRGB", b"\0"), chunk(b"gAMA", struct.pack(">L", 100_000))),
    )


def avifs_with_numbers():
    if "AVIF" in MODES:
        data = encoded(CLOUDS, "AVIF", quality=95)
        at = data.index(b"colrnclx") + 8
        for code in ((12, 13), (1, 1), (9, 14), (1, 4), (1, 8), (5, 6), (2, 2)):
            yield f"AVIF nclx {code}", data[:at] + struct.pack(">HH", *code) + data[at + 4 :]


def gifs():
    frames = [
        ((8, 8), (2, 2, 4, 4)),
        ((20, 10), (15, 7, 5, 3)),
        ((8, 8), (6, 6, 4, 4)),
        ((4, 4), (0, 0, 9, 7)),
    ]
    for (screen, frame), clear, count in itertools.product(frames, (None, 1), (1, 2)):
        yield f"GIF {screen} {frame} clear {clear}, {count} frames", gif(screen, frame, clear, count)


def moving():
    """AVIF is left out: Chromium shows full-range frames of moving ones with too much contrast."""
    yield "WEBP small frame", moved_webp(CLOUDS, (120, 100), 10, 14)
    yield "WEBP small clear frame", moved_webp(turned_clear("RGBA"), (120, 100), 10, 14)
    frames = {"save_all": True, "append_images": [CLOUDS.rotate(180)]}
    yield "PNG frames", encoded(CLOUDS, "PNG", **frames)
    yield "PNG frames after a still picture", encoded(CLOUDS, "PNG", default_image=True, **frames)
    yield "PNG interlaced", interlaced_png(np.asarray(CLOUDS))


MASKS_16 = [
    (0xF00, 0xF0, 0xF),
    (0x7C00, 0x3E0, 0x1F),
    (0xF800, 0x7E0, 0x1F),
    (0x3F, 0xFC0, 0xF000),
    (1, 2, 4),
]
MASKS_32 = [(0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000), (0x3FF00000, 0xFFC00, 0x3FF), *MASKS_16]


def bmps():
    for bits, height, header in itertools.product((1, 2, 4, 8, 16, 24, 32), (6, -6), (40, 56, 64, 108, 124)):
        palette = RNG.bytes(4 << bits) if bits <= 8 else b""
        body = RNG.bytes((11 * bits + 31) // 32 * 4 * 6)
        yield (
            f"BMP {bits} bits, {height} rows, header {header}",
            bmp(11, height, bits, body, 0, palette, (), header),
        )
    for bits, all_masks in ((16, MASKS_16), (32, MASKS_32)):
        for masks, alpha in itertools.product(all_masks, (None, 0, 0xF000 if bits == 16 else 0xFF000000)):
            header = 40 if alpha is None else 56
            told = masks if alpha is None else (*masks, alpha)
            data = bmp(8, 6, bits, RNG.bytes(6 * bits), 3, masks=told, header_bytes=header)
            yield f"BMP {bits} bits, masks {told}", data


RUNS = {
    "odd list": bytes([0, 5, 0x12, 0x31, 0x20, 0, 3, 0x33, 0, 0, 0, 1]),
    "move": bytes([4, 0x12, 0, 2, 3, 1, 5, 0x33, 0, 1]),
    "too long": bytes([20, 0x12, 0, 0, 3, 0x45, 0, 1]),
    "empty row": bytes([0, 0, 8, 0x12, 0, 1]),
    "move right": bytes([8, 0x21, 0, 0, 0, 2, 4, 0, 4, 0x55, 0, 1]),
}


def bmps_of_runs():
    palette = RNG.bytes(64)
    for (name, runs), height in itertools.product(RUNS.items(), (4, -4)):
        yield f"BMP RLE4 {name}, {height} rows", bmp(8, height, 4, runs, 2, palette)
        yield f"BMP RLE8 {name}, {height} rows", bmp(8, height, 8, runs, 1, palette * 16)


def turned():
    """WebP is left out: Chromium does not look for an orientation there."""
    for format, orientation in itertools.product(("PNG", "JPEG", "AVIF"), range(1, 9)):
        if format in MODES:
            exif = Image.Exif()
            exif[274] = orientation
            yield f"{format} turned {orientation}", encoded(CLOUDS, format, exif=exif)


SOURCES = (
    pillow_files,
    files_with_profiles,
    cmyk_files,
    raw_pngs,
    pngs_with_numbers,
    avifs_with_numbers,
    gifs,
    moving,
    bmps,
    bmps_of_runs,
    turned,
)


@pytest.fixture(scope="module")
def blank(browser):
    page = browser.new_page()
    yield page
    page.close()


def shown(page, data, format):
    height, width, text = page.evaluate(DRAW, [base64.b64encode(data).decode(), f"image/{format.lower()}"])
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_pixels_are_those_of_chromium(blank, source):
    wrong = {}
    for name, data in source():
        want, got = shown(blank, data, name.split()[0]), decode_image(data).rgb
        apart = (
            np.abs(want.astype(int) - got).mean() if want.shape == got.shape else f"{want.shape} {got.shape}"
        )
        if want.shape != got.shape or apart >= 2:
            wrong[name] = apart
    assert wrong == {}
