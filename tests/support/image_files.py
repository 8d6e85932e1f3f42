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


def chunk(kind, body):
    return struct.pack(">L4s", len(body), kind) + body + struct.pack(">L", zlib.crc32(kind + body))


def png(width, height, bit_depth, colour_type, rows, extra=b""):
    """A PNG made by hand: `rows` are raw scan lines without their filter bytes."""
    header = struct.pack(">LLBBBBB", width, height, bit_depth, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def with_chunks(data, *chunks):
    """A PNG with more chunks before its pixels."""
    at = data.index(b"IDAT") - 4
    return data[:at] + b"".join(chunks) + data[at:]


def packed(values, bits, order="<", kind="u"):
    """Rows of samples as bytes, most significant bit first, each row from a new byte on."""
    if bits >= 8:
        return np.asarray(values).astype(f"{order}{kind}{bits // 8}").tobytes()
    rows = ["".join(format(int(value), f"0{bits}b") for value in np.ravel(row)) for row in values]
    rows = [row + "0" * (-len(row) % 8) for row in rows]
    return bytes(int(row[k : k + 8], 2) for row in rows for k in range(0, len(row), 8))


def tiff(values, bits=8, colours=1, order="<", kind="u", compression=1, planar=False, tags=()):
    """A TIFF made by hand of (H, W, samples) values; `tags` are further (tag, type, values)."""
    height, width, samples = values.shape
    planes = [values[..., k : k + 1] for k in range(samples)] if planar else [values]
    strips = [packed(plane, bits, order, kind) for plane in planes]
    strips = [zlib.compress(strip) for strip in strips] if compression == 8 else strips
    starts = [8 + sum(len(strip) for strip in strips[:k]) for k in range(len(strips))]
    entries = [(256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * samples), (259, 3, [compression])]
    entries += [(262, 3, [colours]), (273, 4, starts), (277, 3, [samples]), (278, 4, [height])]
    entries += [(279, 4, [len(strip) for strip in strips]), (284, 3, [2 if planar else 1])]
    entries += [(339, 3, [{"u": 1, "i": 2, "f": 3}[kind]] * samples), *tags]
    return _with_directory(b"".join(strips), entries, order)


def _with_directory(body, entries, order):
    body += b"\0" * (len(body) % 2)
    directory = b""
    for tag, kind, numbers in sorted(entries):
        value = struct.pack(f"{order}{len(numbers)}{ {1: 'B', 3: 'H', 4: 'L', 7: 'B'}[kind] }", *numbers)
        if len(value) > 4:
            value, body = struct.pack(order + "L", 8 + len(body)), body + value + b"\0" * (len(value) % 2)
        directory += struct.pack(order + "HHL", tag, kind, len(numbers)) + value.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "L", 8 + len(body))
    return head + body + struct.pack(order + "H", len(entries)) + directory + bytes(4)


def bmp(width, height, bits, body, compression=0, palette=b"", masks=(), header_bytes=40):
    """A BMP made by hand; a height below zero stores the top row first."""
    head = struct.pack(
        "<LllHHLLllLL", header_bytes, width, height, 1, bits, compression, len(body), 0, 0, 0, 0
    )
    head = (head + struct.pack(f"<{len(masks)}L", *masks)).ljust(header_bytes, b"\0")
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<LHHL", start + len(body), 0, 0, start) + head + palette + body


def gif(screen_wh, frame_xywh, clear=None, frames=1):
    """A GIF of red, green, blue and gray stripes, made by hand without real packing."""
    codes = "".join(
        format(code, "03b")[::-1] for k in range(frame_xywh[2] * frame_xywh[3]) for code in (4, k % 4)
    )
    codes += format(5, "03b")[::-1]
    codes += "0" * (-len(codes) % 8)
    data = bytes(int(codes[k : k + 8][::-1], 2) for k in range(0, len(codes), 8))
    blocks = b"".join(bytes([len(data[k : k + 255])]) + data[k : k + 255] for k in range(0, len(data), 255))
    colours = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90])
    head = b"GIF89a" + struct.pack("<HHBBB", *screen_wh, 0x81, 0, 0) + colours
    control = b"" if clear is None else b"!\xf9\x04\x01\0\0" + bytes([clear, 0])
    frame = b"," + struct.pack("<HHHHB", *frame_xywh, 0) + b"\x02" + blocks + b"\0"
    return head + (control + frame) * frames + b";"


def moved_webp(image, canvas_wh, left, top):
    """A moving WebP whose first frame stands at an even place of a larger canvas."""
    data = encoded(image, "WEBP", save_all=True, append_images=[image.rotate(180)], lossless=True)
    size, frame = data.index(b"VP8X") + 12, data.index(b"ANMF") + 8
    number = [
        value.to_bytes(3, "little") for value in (canvas_wh[0] - 1, canvas_wh[1] - 1, left // 2, top // 2)
    ]
    return b"".join([data[:size], *number[:2], data[size + 6 : frame], *number[2:], data[frame + 6 :]])


def interlaced_png(values):
    """An 8-bit PNG in Adam7 order of (H, W, 3) values."""
    passes = (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    )
    parts = [values[top::down, left::right] for left, top, right, down in passes]
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.shape[1] for row in part)
    header = struct.pack(">LLBBBBB", values.shape[1], values.shape[0], 8, 2, 0, 0, 1)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def gray_profile(gamma):
    """An ICC profile for gray pictures."""
    curve = b"para\0\0\0\0\0\0\0\0" + struct.pack(">l", round(gamma * 65536))
    return _profile({b"kTRC": curve}, b"mntr", b"GRAY", b"XYZ ")


def cmyk_profile(black, steps=5):
    """An ICC profile for inks whose blackest black is a dark gray of level `black`."""
    ink = np.stack(np.meshgrid(*[np.linspace(0, 1, steps)] * 4, indexing="ij"), -1).reshape(-1, 4)
    rgb = (255 - black) * (1 - ink[:, :3]) * (1 - ink[:, 3:]) + black
    linear = np.where(rgb <= 10.31, rgb / 255 / 12.92, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7142]])
    x, y, z = np.cbrt(linear @ to_xyz.T / (0.9642, 1, 0.8249)).T
    lab = np.stack([(116 * y - 16) * 2.55, 500 * (x - y) + 128, 200 * (y - z) + 128], -1)
    same = struct.pack(">9l", *[65536 * (k % 4 == 0) for k in range(9)])
    table = lab.round().clip(0, 255).astype(np.uint8).tobytes()
    curves = bytes(range(256))
    lookup = b"mft1\0\0\0\0" + bytes([4, 3, steps, 0]) + same + curves * 4 + table + curves * 3
    return _profile({b"A2B0": lookup}, b"prtr", b"CMYK", b"Lab ")


def _profile(tags, device, space, connection):
    white = struct.pack(">3l", 63190, 65536, 54061)
    tags = {b"wtpt": b"XYZ \0\0\0\0" + white, **tags}
    table, body = struct.pack(">L", len(tags)), b""
    for name, value in tags.items():
        table += struct.pack(">4sLL", name, 132 + 12 * len(tags) + len(body), len(value))
        body += value.ljust(-(-len(value) // 4) * 4, b"\0")
    size = 132 + 12 * len(tags) + len(body)
    head = struct.pack(">L4xL4s4s4s12x4s28x", size, 0x04200000, device, space, connection, b"acsp")
    return head + white + bytes(48) + table + body
