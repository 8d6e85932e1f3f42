"""Image files that are cut off, foreign, huge or hostile: one sentence, little memory."""

import os
import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from support.image_files import FORMATS, encoded, in_format, picture, png

from mpm.data.images import decode_image, readable_formats
from mpm.errors import InputError

CUT = "The JPEG file is cut off; parts of the picture may be missing or grey."
DAMAGED = "The JPEG file is damaged; parts of the picture may be missing or grey."


@pytest.mark.parametrize("format", FORMATS)
def test_cut_off_at_any_place(format):
    data = in_format(picture(), format)
    for keep in sorted({1, 4, 9, 13, 20, 30, len(data) // 4, len(data) // 2, len(data) * 3 // 4}):
        if format == "JPEG" and keep > data.index(b"\xff\xda") + 14:  # some pixels are there
            assert decode_image(data[:keep]).notes == (CUT,)
            continue
        with pytest.raises(InputError, match=r"^The .*\.$"):
            decode_image(data[:keep])


def clouds():
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    return Image.fromarray(noise).resize((800, 600), Image.Resampling.BICUBIC)


def without_end(data, half):
    return {
        "end missing": data[:-2],
        "half missing": data[:half],
        "half zeros": data[:half].ljust(len(data), b"\0"),
        "half ones": data[:half].ljust(len(data), b"\xff"),
    }


def with_end(data, half):
    return {
        "half missing": data[:half] + b"\xff\xd9",
        "half zeros": data[:half].ljust(len(data) - 2, b"\0") + b"\xff\xd9",
        "a block of zeros": data[:half] + bytes(4096) + data[half + 4096 :],
    }


@pytest.mark.parametrize(
    "options", [{}, {"optimize": True}, {"progressive": True}, {"quality": 95, "subsampling": 0}]
)
def test_what_a_jpeg_lacks_is_told(options):
    data = encoded(clouds(), "JPEG", **options)
    whole, half = decode_image(data), len(data) // 2
    assert whole.notes == decode_image(data + bytes(5000)).notes == ()
    for what, damaged in without_end(data, half).items():
        assert decode_image(damaged).notes == (CUT,), what
    for what, damaged in with_end(data, half).items():
        if not (options.get("progressive") and what == "a block of zeros"):
            assert decode_image(damaged).notes == (DAMAGED,), what
    np.testing.assert_array_equal(decode_image(data[:-2]).rgb, whole.rgb)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("colour", ["white", "gray", "black"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_sound_flat_jpeg_is_not_called_damaged(mode, colour, progressive):
    image = Image.new("RGB", (1200, 900), colour)
    image.paste(Image.fromarray(picture()), (100, 100))
    data = encoded(image.convert(mode), "JPEG", progressive=progressive, optimize=True)
    assert decode_image(data).notes == ()


@pytest.mark.parametrize("format", [name for name in ("WEBP", "AVIF") if name in FORMATS])
def test_a_tail_of_zeros_is_told(format):
    data = encoded(clouds(), format)
    (note,) = decode_image(data[: len(data) // 2].ljust(len(data), b"\0")).notes
    assert note.startswith("The file ends in zeros")


@pytest.mark.parametrize("content", [b"I am a text", b"%PDF-1.7\n", b"<svg/>", b"\0" * 100, b"PK\3\4"])
def test_other_files_are_named_as_such(tmp_path, content):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not an image of a known kind; PNG, JPEG, WebP, GIF, BMP, TIFF"):
        decode_image(path)


def test_the_content_counts_not_the_name(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(in_format(picture(), "PNG"))
    assert decode_image(path).format == "PNG"


def test_heic_without_a_decoder_is_named():
    if "HEIC" in readable_formats():
        pytest.skip("pillow_heif is installed here")
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    with pytest.raises(InputError, match="HEIC files cannot be decoded by this installation; PNG"):
        decode_image(data)


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        decode_image(tmp_path / "absent.png")
    with pytest.raises(InputError, match="is not a file"):
        decode_image(tmp_path)
    with pytest.raises(InputError, match="not a valid path"):
        decode_image("a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not a file"):
        decode_image(tmp_path / "pipe")


def test_empty_and_too_large_files(tmp_path):
    with pytest.raises(InputError, match="^The file is empty.$"):
        decode_image(b"")
    (tmp_path / "x.png").write_bytes(bytes(2000))
    with pytest.raises(InputError, match="at most 0.001 MB"):
        decode_image(tmp_path / "x.png", max_bytes=1000)


def test_bomb_is_refused_before_pillow_sees_it(monkeypatch):
    side = 11_000
    data = png(side, side, 8, 0, [bytes(side)] * side)
    assert len(data) < 130_000
    monkeypatch.setattr(Image, "open", lambda *_args, **_options: pytest.fail("opened"))
    with pytest.raises(InputError, match=r"11000 x 11000 is 121.0 megapixels, at most 50\."):
        decode_image(data)


@pytest.mark.parametrize("size, message", [((0, 5), "no pixels"), ((70_000, 1), "65535 pixels a side")])
def test_sizes_that_no_image_has(size, message):
    with pytest.raises(InputError, match=message):
        decode_image(png(*size, 8, 0, [b"\0"]))


def tiff_with(tags, pixels=b"\0" * 64):
    """A little-endian TIFF whose pixels start at byte 8; tags are (tag, type, count, value)."""
    start = 8 + len(pixels)
    directory = b"".join(struct.pack("<HHLL", *entry) for entry in sorted(tags))
    return b"II*\0" + struct.pack("<L", start) + pixels + struct.pack("<H", len(tags)) + directory + bytes(4)


SMALL_TIFF = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
ONE_STRIP = [(273, 4, 1, 8), (278, 4, 1, 8), (279, 4, 1, 64)]


def test_tiff_tags_cannot_multiply_the_file():
    notes = [(60_000 + k, 7, 1_000_000, 8) for k in range(5_000)]  # 5 GB if each were read
    data = tiff_with(SMALL_TIFF + ONE_STRIP + notes, bytes(1_000_100))
    assert decode_image(data).rgb.shape == (8, 8, 3)


def test_exif_tags_cannot_multiply_the_file():
    tags = b"".join(struct.pack("<HHLL", 60_000 + k, 7, 60_000, 8) for k in range(3_000))
    app1 = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 3_000) + tags
    plain = in_format(picture(), "JPEG")
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(app1) + 2) + app1 + plain[2:]
    tracemalloc.start()
    assert decode_image(data).rgb.shape == (32, 48, 3)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_tiff_with_giant_tiles_or_too_many_strips():
    tiles = [(322, 4, 1, 40_000), (323, 4, 1, 40_000), (324, 4, 1, 8), (325, 4, 1, 64)]
    with pytest.raises(InputError, match="tiles of 40000 x 40000"):
        decode_image(tiff_with(SMALL_TIFF + tiles))
    with pytest.raises(InputError, match="broken"):
        decode_image(tiff_with([*SMALL_TIFF, (273, 4, 9, 8), (278, 4, 1, 8), (279, 4, 9, 8)]))


def test_ycbcr_tiff_is_refused_rather_than_shown_in_wrong_colours():
    for compression in (None, "tiff_lzw"):
        data = encoded(Image.fromarray(picture()).convert("YCbCr"), "TIFF", compression=compression)
        with pytest.raises(InputError, match="save it as RGB"):
            decode_image(data)
    data = encoded(Image.fromarray(picture()).convert("YCbCr"), "TIFF", compression="jpeg")
    assert np.abs(decode_image(data).rgb.astype(int) - picture()).mean() < 8


def test_jpeg_with_endless_scans():
    data = encoded(Image.fromarray(picture()), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    assert decode_image(data).rgb.shape == (32, 48, 3)
    with pytest.raises(InputError, match="more than 100 scans"):
        decode_image(data[:last] + data[last:-2] * 200 + data[-2:])


def test_wrong_checksum_is_damage():
    data = bytearray(in_format(picture(), "PNG"))
    data[data.index(b"IDAT") + 10] ^= 1
    with pytest.raises(InputError, match="^The PNG file is broken or cut off.$"):
        decode_image(bytes(data))


def test_ctrl_c_is_not_swallowed(monkeypatch):
    def interrupted(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr("mpm.data.images.decode.to_rgb", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decode_image(in_format(picture(), "PNG"))


def test_out_of_memory_is_a_sentence(monkeypatch):
    def starved(*_args):
        raise MemoryError

    monkeypatch.setattr("mpm.data.images.decode.to_rgb", starved)
    with pytest.raises(InputError, match="more memory"):
        decode_image(in_format(picture(), "PNG"))
