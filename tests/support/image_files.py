"""Image files made in memory, for tests of what reads them."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, features

FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"] + (["AVIF"] if features.check("avif") else [])


def picture(width=48, height=32):
    """Smooth colours, different in every corner, so that a lossy format stays close."""
    y, x = np.mgrid[0:height, 0:width]
    bands = 255 * x / (width - 1), 255 * y / (height - 1), np.full(x.shape, 60.0)
    return np.stack(bands, -1).round().astype(np.uint8)


def encoded(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def in_format(pixels, format):
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}
    return encoded(Image.fromarray(pixels), format, **lossless.get(format, {}))


def png(width, height, bit_depth, colour_type, rows, extra=b""):
    """A PNG made by hand: `rows` are raw scan lines without their filter bytes."""

    def chunk(kind, body):
        return struct.pack(">L4s", len(body), kind) + body + struct.pack(">L", zlib.crc32(kind + body))

    header = struct.pack(">LLBBBBB", width, height, bit_depth, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")
