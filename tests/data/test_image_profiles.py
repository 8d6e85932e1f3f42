"""Colours -> sRGB: profiles and colours told by numbers; a broken or huge profile costs only a note."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms
from support.image_files import chunk, cmyk_profile, encoded, gray_profile, picture, png, tiff, with_chunks

from mpm.data.images import decode_image
from mpm.data.images.colour_spaces import coded_profile, gamma_profile
from mpm.data.images.profiles import MAX_PROFILE_BYTES, srgb_transform
from mpm.errors import InputError

P3 = coded_profile(12, 13)
LINEAR = gamma_profile(1.0, None)
FORMATS = ["PNG", "JPEG", "WEBP", "TIFF"] + (
    ["AVIF"] if "AVIF" in Image.registered_extensions().values() else []
)


def in_format(image, format, profile):
    quality = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98, "subsampling": 0}, "AVIF": {"quality": 98}}
    return encoded(image, format, icc_profile=profile, **quality.get(format, {}))


def flat(colour, mode="RGB"):
    return Image.new("RGB", (16, 16), colour).convert(mode)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_honours_its_profile(format):
    decoded = decode_image(in_format(flat((180, 90, 60)), format, P3))
    np.testing.assert_allclose(decoded.rgb[8, 8], [193, 83, 51], atol=2)
    assert decoded.notes == ()
    gray = decode_image(in_format(flat((128, 128, 128)), format, LINEAR))
    np.testing.assert_allclose(gray.rgb[8, 8], [188, 188, 188], atol=2)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF"])
def test_gray_pictures_with_gray_profiles(format):
    rgb = decode_image(in_format(flat((128, 128, 128), "L"), format, gray_profile(1.0))).rgb
    np.testing.assert_allclose(rgb[8, 8], [188, 188, 188], atol=1)


def test_palettes_and_alpha_keep_their_profile():
    palette = flat((180, 90, 60)).quantize(4)
    np.testing.assert_allclose(decode_image(in_format(palette, "PNG", P3)).rgb[8, 8], [193, 83, 51], atol=2)
    clear = flat((180, 90, 60))
    clear.putalpha(128)
    want = 255 - (255 - np.array([193, 83, 51])) * 128 / 255
    np.testing.assert_allclose(decode_image(in_format(clear, "PNG", P3)).rgb[8, 8], want, atol=2)


def test_16_bit_colours_with_a_profile():
    row = struct.pack(">3H", 180 * 257, 90 * 257, 60 * 257)
    packed = chunk(b"iCCP", b"p3\0\0" + zlib.compress(P3))
    np.testing.assert_allclose(decode_image(png(1, 1, 16, 2, [row], packed)).rgb[0, 0], [193, 83, 51], atol=2)
    values = np.full((1, 1, 3), 257) * (180, 90, 60)
    data = tiff(values, 16, 2, tags=[(34675, 7, list(P3))])
    np.testing.assert_allclose(decode_image(data).rgb[0, 0], [193, 83, 51], atol=2)


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_by_its_profile(format):
    black = Image.merge("CMYK", [Image.new("L", (16, 16), ink) for ink in (0, 0, 0, 255)])
    decoded = decode_image(in_format(black, format, cmyk_profile(40)))
    np.testing.assert_allclose(decoded.rgb[8, 8], [40, 40, 40], atol=2)
    assert decoded.notes == ()
    paper = decode_image(in_format(Image.new("CMYK", (16, 16)), format, cmyk_profile(40)))
    assert paper.rgb.min() > 253


def test_srgb_leaves_pixels_as_they_are():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_allclose(
        decode_image(in_format(Image.fromarray(picture()), "PNG", srgb)).rgb, picture(), atol=1
    )


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("profile", [b"x" * 500, P3[:300], bytes(10), P3.replace(b"acsp", b"abcd")])
def test_a_broken_profile_is_noted_and_ignored(format, profile):
    decoded = decode_image(in_format(flat((180, 90, 60)), format, profile))
    np.testing.assert_allclose(decoded.rgb[8, 8], [180, 90, 60], atol=2)
    assert decoded.notes == ("The colour profile is broken and was ignored; colours may differ.",)


def test_profiles_for_other_pictures_are_noted_and_ignored():
    note = "The colour profile does not fit the picture and was ignored; colours may differ."
    assert decode_image(in_format(flat((1, 2, 3)), "PNG", gray_profile(1.0))).notes == (note,)
    assert decode_image(in_format(flat((1, 2, 3), "CMYK"), "JPEG", P3)).notes == (note,)
    assert srgb_transform(P3.replace(b"mntr", b"link"), "RGB") == (None, note)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF"])
def test_a_huge_profile_is_noted_and_ignored(format):
    decoded = decode_image(in_format(flat((180, 90, 60)), format, P3 + bytes(MAX_PROFILE_BYTES)))
    assert decoded.notes == ("The colour profile is larger than 4 MB and was ignored; colours may differ.",)


def colour_chunk(kind, *numbers):
    return chunk(kind, bytes(numbers) if kind == b"cICP" else struct.pack(f">{len(numbers)}L", *numbers))


P3_POINTS = colour_chunk(b"cHRM", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
PLAIN = [200, 30, 30]


@pytest.mark.parametrize(
    "chunks, want",
    [
        ([colour_chunk(b"gAMA", 100_000)], [229, 96, 96]),
        ([colour_chunk(b"gAMA", 45_455)], PLAIN),
        ([colour_chunk(b"gAMA", 0)], PLAIN),
        ([P3_POINTS], PLAIN),
        ([colour_chunk(b"gAMA", 45_455), P3_POINTS], [220, 0, 0]),
        ([chunk(b"sRGB", b"\0"), colour_chunk(b"gAMA", 100_000)], PLAIN),
        ([colour_chunk(b"cICP", 12, 13, 0, 1)], [218, 0, 6]),
        ([colour_chunk(b"cICP", 1, 8, 0, 1), P3_POINTS], [229, 96, 96]),
        ([colour_chunk(b"cICP", 1, 1, 0, 1)], [197, 18, 18]),
        ([colour_chunk(b"cICP", 2, 2, 0, 1)], PLAIN),
    ],
)
def test_colours_told_by_numbers(chunks, want):
    data = with_chunks(encoded(flat((200, 30, 30)), "PNG"), *chunks)
    np.testing.assert_allclose(decode_image(data).rgb[0, 0], want, atol=1)  # Chromium's values


@pytest.mark.parametrize(
    "primaries, transfer, name", [(9, 16, "PQ"), (9, 18, "HLG"), (11, 17, "SMPTE 428"), (10, 13, "XYZ")]
)
def test_hdr_is_refused_by_name(primaries, transfer, name):
    data = with_chunks(encoded(flat((200, 30, 30)), "PNG"), colour_chunk(b"cICP", primaries, transfer, 0, 1))
    with pytest.raises(InputError, match=rf"cinema or HDR colours \({name}\) are not read here"):
        decode_image(data)
