"""Decode thousands of damaged image files: `python tests/checks/fuzz_uploads.py [--files 2000] [--seed 0]`.

Prints how many gave pixels, how many a sentence, how many anything else (exit status 1), and the peak memory.
"""

from __future__ import annotations

import argparse
import collections
import io
import random
import struct
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, features

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

from support.image_files import (  # noqa: E402
    bmp,
    chunk,
    cmyk_profile,
    gif,
    gray_profile,
    png,
    tiff,
    with_chunks,
)

from mpm.data.images import decode_image  # noqa: E402
from mpm.data.images.colour_spaces import coded_profile  # noqa: E402
from mpm.errors import InputError  # noqa: E402

MAX_GROWTH_BYTES = 1_200_000_000


def encoded(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.copy().save(buffer, format, **options)  # a copy, since a save leaves settings in what it saves
    return buffer.getvalue()


def animated(image: Image.Image, format: str) -> bytes:
    return encoded(image, format, save_all=True, append_images=[image.rotate(90), image.rotate(180)])


def seed_files() -> list[bytes]:
    """Small files of every format and of the variants that take other paths through the decoders."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    rgb = Image.fromarray(noise).resize((96, 64), Image.Resampling.BICUBIC)
    gray16 = Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif.update({274: 6, 271: "maker", 305: "software"})
    files = [encoded(rgb.convert(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA")]
    files += [encoded(gray16, "PNG"), encoded(rgb, "PNG", exif=exif), animated(rgb, "PNG")]
    files += [encoded(rgb.convert(mode), "JPEG", exif=exif) for mode in ("L", "RGB", "CMYK")]
    files += [encoded(rgb, "JPEG", progressive=True), animated(rgb, "MPO")]
    files += [encoded(rgb, "WEBP", exif=exif), encoded(rgb.convert("RGBA"), "WEBP", lossless=True)]
    files += [animated(rgb, "WEBP"), encoded(rgb, "GIF"), animated(rgb, "GIF")]
    files += [encoded(rgb.convert(mode), "BMP") for mode in ("1", "L", "P", "RGB", "RGBA")]
    compressions = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    files += [encoded(rgb, "TIFF", compression=name, exif=exif) for name in compressions]
    files += [encoded(rgb.convert(mode), "TIFF") for mode in ("1", "P", "PA", "CMYK", "I", "F")]
    files += [encoded(gray16, "TIFF"), encoded(rgb, "TIFF", big_tiff=True), animated(rgb, "TIFF")]
    files += [encoded(rgb.convert("1"), "TIFF", compression="group4")]
    if features.check("avif"):
        files += [encoded(rgb, "AVIF", exif=exif), animated(rgb.convert("RGBA"), "AVIF")]
    return files + profiled_files(rgb) + handmade_files()


def profiled_files(rgb: Image.Image) -> list[bytes]:
    """Files with colour profiles, among them tables of inks, and colours told by numbers."""
    p3, inks = coded_profile(12, 13), cmyk_profile(30)
    files = [encoded(rgb, format, icc_profile=p3) for format in ("PNG", "JPEG", "WEBP", "TIFF")]
    files += [encoded(rgb.convert("CMYK"), format, icc_profile=inks) for format in ("JPEG", "TIFF")]
    files += [encoded(rgb.convert("L"), "JPEG", icc_profile=gray_profile(1.8))]
    told = [chunk(b"gAMA", struct.pack(">L", 60_000)), chunk(b"cICP", bytes([9, 14, 0, 1]))]
    return files + [with_chunks(encoded(rgb, "PNG"), one) for one in told]


def handmade_files() -> list[bytes]:
    """What Pillow does not write: 16-bit colours, run lengths, colour masks, planes, small frames."""
    rng = np.random.default_rng(1)
    deep, colours = rng.integers(0, 65535, (9, 11, 3)), rng.bytes(64)
    files = [png(11, 9, 16, 2, [row.astype(">u2").tobytes() for row in deep], chunk(b"tRNS", bytes(6)))]
    files += [tiff(deep, 16, 2, order, compression=packing) for order in "<>" for packing in (1, 8)]
    files += [tiff(deep // 257, 8, 2, planar=True), tiff(deep[..., :1] // 257, 8, 0)]
    runs = bytes([0, 5, 0x12, 0x31, 0x20, 0, 3, 0x33, 0, 0, 0, 2, 1, 1, 6, 0x21, 0, 1])
    files += [bmp(8, 4, bits, runs, 3 - bits // 4, colours * (bits * 2 - 7)) for bits in (4, 8)]
    files += [bmp(8, 4, 16, colours, 3, masks=(0xF00, 0xF0, 0xF, 0xF000), header_bytes=56)]
    return files + [gif((20, 10), (15, 7, 5, 3), clear) for clear in (None, 1)]


def flip_bytes(data: bytearray, rng: random.Random, _others: list[bytes]) -> bytearray:
    for _ in range(rng.choice((1, 2, 5, 20, 100))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return data


def edit_header(data: bytearray, rng: random.Random, _others: list[bytes]) -> bytearray:
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(2, min(len(data) - 4, 96))
        values = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 11_000, 65_535)
        size = rng.choice((1, 2, 4))
        value = rng.choice(values) % 256**size
        data[at : at + size] = value.to_bytes(size, rng.choice(("big", "little")))
    return data


def cut(data: bytearray, rng: random.Random, _others: list[bytes]) -> bytearray:
    return data[: rng.randrange(len(data))]


def take_out(data: bytearray, rng: random.Random, _others: list[bytes]) -> bytearray:
    start = rng.randrange(len(data))
    del data[start : start + rng.randrange(1, 200)]
    return data


def repeat(data: bytearray, rng: random.Random, _others: list[bytes]) -> bytearray:
    start = rng.randrange(len(data))
    part = data[start : start + rng.randrange(1, 200)]
    return data[:start] + part * rng.choice((2, 5, 300)) + data[start:]


def splice(data: bytearray, rng: random.Random, others: list[bytes]) -> bytearray:
    other = rng.choice(others)
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


MUTATIONS = (flip_bytes, edit_header, cut, take_out, repeat, splice)


def mutants(count: int, seed: int):
    rng, files = random.Random(seed), seed_files()
    for number in range(count):
        data = bytearray(files[number % len(files)])
        for _ in range(rng.choice((1, 1, 2))):
            data = rng.choice(MUTATIONS)(data, rng, files) if len(data) > 8 else data
        yield number, bytes(data)


def resident_bytes(which: str) -> int:
    """VmRSS (now) or VmHWM (peak) of this process; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(which + ":")), 0)


def outcome(data: bytes, page: bool) -> str:
    try:
        rgb = decode_image(data, max_side_px=4096 if page else None).rgb
        assert rgb.ndim == 3 and rgb.shape[2] == 3 and rgb.dtype == np.uint8 and rgb.size
        return "pixels"
    except InputError as error:
        sentence = str(error)
        assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 200, sentence
        return "sentence"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    counts, slowest, idle = collections.Counter(), (0.0, -1), 0
    decode_image(seed_files()[0])
    idle = resident_bytes("VmRSS")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for number, data in mutants(arguments.files, arguments.seed):
            start = time.perf_counter()
            try:
                counts[outcome(data, page=number % 2 == 0)] += 1
            except Exception as error:
                counts["unhandled"] += 1
                print(f"file {number}: {error!r}", file=sys.stderr)
            slowest = max(slowest, (time.perf_counter() - start, number))
    growth = resident_bytes("VmHWM") - idle
    print(f"{arguments.files} files: {dict(counts)}; {len(caught)} warnings")
    print(f"slowest: {slowest[0] * 1000:.0f} ms (file {slowest[1]})")
    print(f"resident: idle {idle / 1e6:.0f} MB, peak idle + {growth / 1e6:.0f} MB")
    return int(counts["unhandled"] > 0 or growth > MAX_GROWTH_BYTES)


if __name__ == "__main__":
    sys.exit(main())
