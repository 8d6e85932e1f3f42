"""Kinds of files that Pillow reads wrongly: the right pixels, or a sentence that names the kind."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image
from support.image_files import bmp, chunk, encoded, gif, picture, png, tiff, with_chunks

from mpm.data.images import decode_image
from mpm.errors import InputError

RNG = np.random.default_rng(0)


def pixels(data):
    return decode_image(data).rgb


def refusal(data):
    with pytest.raises(InputError) as caught:
        decode_image(data)
    return str(caught.value)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("colours", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_gray_tiff(bits, colours, compression, order):
    top = (1 << bits) - 1
    values = RNG.integers(0, top, (7, 13, 1), endpoint=True)
    gray = values[..., 0] * 255 // top
    for planar in (False, True):  # one channel is one plane
        data = tiff(values, bits, colours, order, compression=compression, planar=planar)
        np.testing.assert_array_equal(pixels(data)[..., 1], gray if colours else 255 - gray)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("samples", [3, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_rgb_tiff(bits, samples, compression, order):
    values = RNG.integers(0, (1 << bits) - 1, (7, 13, samples), endpoint=True)
    extra = [(338, 3, [0])] if samples == 4 else []
    data = tiff(values, bits, 2, order, compression=compression, tags=extra)
    np.testing.assert_array_equal(pixels(data), np.round(values[..., :3] / (257 if bits == 16 else 1)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [1, 8])
def test_planar_rgb_tiff(order, compression):
    values = RNG.integers(0, 255, (7, 13, 3), endpoint=True)
    data = tiff(values, 8, 2, order, compression=compression, planar=True)
    np.testing.assert_array_equal(pixels(data), values)


@pytest.mark.parametrize("bits, compression", [(8, 1), (8, 8), (16, 1), (16, 8)])
def test_cmyk_tiff(bits, compression):
    values = RNG.integers(0, (1 << bits) - 1, (7, 13, 4), endpoint=True)
    ink = 255 - values / ((1 << bits) - 1) * 255
    shown = pixels(tiff(values, bits, 5, compression=compression))
    assert np.abs(shown - ink[..., :3] * ink[..., 3:] / 255).max() <= 2


def kind_of_tiff(name):
    return f"This kind of TIFF ({name}) is not read here; save it as PNG."


@pytest.mark.parametrize(
    "name, options, samples",
    [
        ("16-bit white-is-zero gray", {"bits": 16, "colours": 0}, 1),
        ("32-bit white-is-zero gray", {"bits": 32, "colours": 0}, 1),
        ("float 32-bit white-is-zero gray", {"bits": 32, "colours": 0, "kind": "f"}, 1),
        ("signed 8-bit gray", {"kind": "i"}, 1),
        ("signed 16-bit gray", {"bits": 16, "kind": "i"}, 1),
        ("32-bit gray", {"bits": 32}, 1),
        ("float 64-bit gray", {"bits": 64, "kind": "f"}, 1),
        ("float 16-bit gray", {"bits": 16, "kind": "f"}, 1),
        ("float 32-bit gray, big-endian", {"bits": 32, "kind": "f", "order": ">", "compression": 8}, 1),
        ("signed 8-bit RGB", {"colours": 2, "kind": "i"}, 3),
        ("4-bit RGB", {"bits": 4, "colours": 2}, 3),
        ("32-bit RGB", {"bits": 32, "colours": 2}, 3),
        ("float 32-bit RGB", {"bits": 32, "colours": 2, "kind": "f"}, 3),
        ("planar 16-bit RGB", {"bits": 16, "colours": 2, "planar": True}, 3),
        ("planar 32-bit RGB", {"bits": 32, "colours": 2, "planar": True}, 3),
        ("planar 8-bit CMYK", {"colours": 5, "planar": True}, 4),
        ("16-bit Lab", {"bits": 16, "colours": 8}, 3),
        ("8-bit gray, bits reversed", {"compression": 8, "tags": [(266, 3, [2])]}, 1),
        ("4-bit gray and 1 more", {"bits": 4, "tags": [(338, 3, [2])]}, 2),
        ("8-bit RGB and 2 more", {"colours": 2, "tags": [(338, 3, [2])]}, 5),
        ("8-bit mask", {"colours": 4}, 1),
    ],
)
def test_rare_tiffs_are_refused_by_name(name, options, samples):
    assert refusal(tiff(np.ones((2, 2, samples)), **options)) == kind_of_tiff(name)


def test_twelve_bit_tiff_is_refused_by_name():
    data = tiff(np.ones((2, 2, 1))).replace(
        struct.pack("<HHLL", 258, 3, 1, 8), struct.pack("<HHLL", 258, 3, 1, 12)
    )
    assert refusal(data) == kind_of_tiff("12-bit gray")


@pytest.mark.parametrize(
    "colours, tags",
    [
        (1, [(254, 4, [1])]),
        (2, [(254, 4, [1]), (330, 4, [8])]),
        (2, [(255, 3, [2])]),
        (1, [(50706, 1, [1, 4, 0, 0])]),
        (32803, []),
        (34892, []),
    ],
)
def test_camera_raws_are_not_shown_as_their_previews(colours, tags):
    sentence = refusal(tiff(np.full((2, 2, 3 if colours == 2 else 1), 9), 8, colours, tags=tags))
    assert "amera raw file" in sentence and sentence.endswith("save the picture as JPEG or PNG.")


def test_pages_below_the_first_are_told():
    decoded = decode_image(tiff(np.full((2, 2, 1), 9), tags=[(330, 4, [8])]))
    assert decoded.notes == ("Only the first frame or page is used.",)


PALETTE = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 8, 7]] * 4, np.uint8)
PALETTE_BYTES = b"".join(bytes([b, g, r, 0]) for r, g, b in PALETTE.tolist())


@pytest.mark.parametrize(
    "runs, rows",
    [
        (bytes([0, 5, 0x12, 0x31, 0x20, 0, 1, 0x33, 0, 0, 6, 0x21, 0, 1]), ["212121", "123123"]),
        (bytes([9, 0x12, 0, 0, 6, 0x30, 0, 0]), ["303030", "121212"]),
        (bytes([6, 0x12, 0, 0, 6, 0x30]), ["303030", "121212"]),
        (bytes([2, 0x12, 0, 2, 1, 1, 3, 0x31, 0, 1]), ["___313", "12____"]),
        (bytes([0, 0, 6, 0x12, 0, 1]), ["121212", "______"]),
    ],
)
@pytest.mark.parametrize("top_down", [False, True])
def test_bmp_run_lengths(runs, rows, top_down):
    data = bmp(6, -2 if top_down else 2, 4, runs, 2, PALETTE_BYTES)
    want = [[[0, 0, 0] if mark == "_" else PALETTE[int(mark)] for mark in row] for row in rows]
    np.testing.assert_array_equal(pixels(data), want[::-1] if top_down else want)


def test_bmp_run_lengths_of_bytes():
    runs = bytes([0, 3, 2, 1, 0, 0, 3, 1, 0, 0, 6, 2, 0, 1])
    rows = [PALETTE[[2] * 6], PALETTE[[2, 1, 0, 1, 1, 1]]]
    np.testing.assert_array_equal(pixels(bmp(6, 2, 8, runs, 1, PALETTE_BYTES * 16)), rows)
    for cut in (3, 8, 10):
        assert (
            refusal(bmp(6, 2, 8, runs[:cut], 1, PALETTE_BYTES * 16)) == "The BMP file is broken or cut off."
        )


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_bmp_with_a_palette(bits):
    indices = RNG.integers(0, min(1 << bits, 16), (3, 11))
    rows = ["".join(format(value, f"0{bits}b") for value in row).ljust(96, "0") for row in indices.tolist()]
    rows = [int(row, 2).to_bytes(12, "big")[: (11 * bits + 31) // 32 * 4] for row in rows]
    data = bmp(11, -3, bits, b"".join(rows), palette=(PALETTE_BYTES * 16)[: 4 << bits])
    np.testing.assert_array_equal(pixels(data), PALETTE[indices])


@pytest.mark.parametrize(
    "bits, masks, stored, want",
    [
        (16, (0xF00, 0xF0, 0xF), 0x0F84, (255, 136, 68)),
        (16, (0x7C00, 0x3E0, 0x1F), 0x7C10, (255, 0, 132)),
        (16, (0xF800, 0x7E0, 0x1F), 0x07E0, (0, 255, 0)),
        (16, (0xFC00, 0x3F0, 0xF), 0x83F0, (130, 255, 0)),
        (16, (0xF00, 0xF0, 0xF, 0xF000), 0x0F00, (255, 255, 255)),
        (16, (0xF00, 0xF0, 0xF, 0xF000), 0x8F00, (255, 119, 119)),
        (32, (0x3FF00000, 0xFFC00, 0x3FF), 0x3FF00200, (255, 0, 128)),
        (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000), 0xFF1E14C8, (200, 20, 30)),
        (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000), 0x001E14C8, (255, 255, 255)),
    ],
)
def test_bmp_colour_masks(bits, masks, stored, want):
    body = stored.to_bytes(4, "little")
    header = 40 + 4 * len(masks)
    data = bmp(1, 1, bits, body, 3, masks=masks, header_bytes=header)
    np.testing.assert_allclose(pixels(data)[0, 0], want, atol=1)


@pytest.mark.parametrize(
    "data, name",
    [
        (bmp(1, 1, 64, bytes(8)), "64 bits a pixel, compression 0"),
        (bmp(1, 1, 32, bytes(8), 4), "a JPEG inside"),
        (bmp(1, 1, 32, bytes(8), 3, masks=(0xF0F, 0xF0, 0xF000)), "colour bits with gaps"),
    ],
)
def test_rare_bmps_are_refused_by_name(data, name):
    assert refusal(data) == f"This kind of BMP ({name}) is not read here; save it as PNG."


GRAY, RGB = (0, 1), (2, 3)  # PNG's number of the kind, samples of a pixel


@pytest.mark.parametrize(
    "bits, colours", [(1, GRAY), (2, GRAY), (4, GRAY), (8, GRAY), (16, GRAY), (8, RGB), (16, RGB)]
)
def test_transparent_colour_of_any_depth(bits, colours):
    kind, samples = colours
    top = (1 << bits) - 1
    key, other = [max(1, top // 3)] * samples, [max(1, top // 3)] * (samples - 1) + [0]
    stored = "".join(format(value, f"0{bits}b") for value in key + other)
    row = int(stored.ljust(-(-len(stored) // 8) * 8, "0"), 2).to_bytes(-(-len(stored) // 8), "big")
    shown = pixels(png(2, 1, bits, kind, [row], chunk(b"tRNS", struct.pack(f">{samples}H", *key))))
    np.testing.assert_array_equal(shown[0, 0], [255, 255, 255])
    np.testing.assert_array_equal(shown[0, 1], np.resize([round(value * 255 / top) for value in other], 3))


def test_low_bytes_of_16_bit_colours_count():
    row = struct.pack(">8H", 255, 128, 65407, 65535, 0x80FF, 129, 1000, 65535)
    np.testing.assert_array_equal(pixels(png(2, 1, 16, 6, [row]))[0], [[1, 0, 255], [128, 1, 4]])
    row = struct.pack(">6H", 700, 701, 702, 700, 701, 703)
    keyed = png(2, 1, 16, 2, [row], chunk(b"tRNS", struct.pack(">3H", 700, 701, 702)))
    np.testing.assert_array_equal(pixels(keyed)[0], [[255, 255, 255], [3, 3, 3]])


@pytest.mark.parametrize(
    "screen, frame", [((8, 8), (2, 2, 4, 4)), ((20, 9), (15, 6, 5, 3)), ((4, 4), (3, 3, 4, 4))]
)
@pytest.mark.parametrize("clear", [None, 1])
def test_gif_frame_smaller_than_its_screen(screen, frame, clear):
    decoded = decode_image(gif(screen, frame, clear))
    left, top, width, height = frame
    size = max(screen[0], left + width), max(screen[1], top + height)
    colours = np.array([[255, 0, 0], [0, 255, 0] if clear is None else [255] * 3, [0, 0, 255], [90] * 3])
    want = np.full((size[1], size[0], 3), 255)
    want[top : top + height, left : left + width] = np.resize(colours, (height, width, 3))
    np.testing.assert_array_equal(decoded.rgb, want)
    assert decoded.notes == ("Transparent parts are shown on white.",)


def test_frames_on_a_screen_are_scaled_as_one_picture():
    assert decode_image(gif((80, 40), (2, 2, 4, 4)), max_side_px=40).rgb.shape == (20, 40, 3)


def marked(data, marker):
    at = data.index(b"\xff\xc0")
    return data[:at] + bytes([0xFF, marker]) + data[at + 2 :]


@pytest.mark.parametrize(
    "marker, name", [(0xC3, "lossless"), (0xC9, "arithmetic coding"), (0xC5, "hierarchical")]
)
def test_rare_jpegs_are_refused_by_name(marker, name):
    data = encoded(Image.fromarray(picture()), "JPEG")
    assert refusal(marked(data, marker)) == f"This kind of JPEG ({name}) is not read here; save it as PNG."
    at = data.index(b"\xff\xc0") + 4
    deep = data[:at] + b"\x0c" + data[at + 1 :]
    assert refusal(deep) == "This kind of JPEG (12-bit) is not read here; save it as PNG."


def avif(**options):
    if "AVIF" not in Image.registered_extensions().values():
        pytest.skip("this Pillow reads no AVIF")
    return encoded(Image.fromarray(picture()), "AVIF", **options)


def test_a_large_avif_is_too_large_not_broken():
    size = struct.pack(">LL", 48, 32)
    data = avif().replace(b"ispe\0\0\0\0" + size, b"ispe\0\0\0\0" + struct.pack(">LL", 17_000, 17_000))
    assert refusal(data) == "The image is too large: 17000 x 17000 is 289.0 megapixels, at most 50."


def test_avif_against_the_rules_is_not_called_broken():
    data = avif()
    assert "parts against the rules" in refusal(data.replace(b"ispe", b"free"))
    assert refusal(data[:-20]) == "The AVIF file is broken or cut off."


def test_first_frame_of_a_moving_avif_is_told():
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    avif()
    decoded = decode_image(encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:]))
    assert decoded.notes == ("Only the first frame or page is used.",)


def test_png_whose_rows_end_early_is_broken():
    data = png(10, 10, 8, 2, [bytes(30)] * 5)
    assert refusal(data) == "The PNG file is broken or cut off."
    whole = encoded(Image.fromarray(picture()), "PNG")
    assert refusal(with_chunks(whole, chunk(b"IDAT", zlib.compress(b"\0")))) == refusal(data)


def test_wide_colours_need_little_memory_beyond_the_pixels():
    data = png(2000, 1000, 16, 2, [bytes(12_000)] * 1000)
    tracemalloc.start()
    assert decode_image(data).rgb.shape == (1000, 2000, 3)
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()
