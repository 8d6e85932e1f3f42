"""Files -> clean RGB: every mode and format, orientation, scale, threads."""

import io
import struct
import threading

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile
from support.image_files import FORMATS, encoded, in_format, interlaced_png, moved_webp, picture, png

from mpm.data.images import decode_image


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_its_pixels(format):
    decoded = decode_image(in_format(picture(), format))
    assert decoded.rgb.shape == (32, 48, 3) and decoded.rgb.dtype == np.uint8
    assert decoded.rgb.flags.c_contiguous
    assert decoded.format.upper() == format and decoded.notes == ()
    exact = format in ("PNG", "WEBP", "BMP", "TIFF")
    difference = np.abs(decoded.rgb.astype(int) - picture())
    assert difference.max() == 0 if exact else difference.mean() < 8


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "RGBX", "YCbCr"])
def test_pillow_modes_agree_with_pillow(mode):
    source = Image.fromarray(picture()).convert(mode)
    format = {"CMYK": "TIFF", "RGBX": "TIFF", "YCbCr": "JPEG"}.get(mode, "PNG")
    data = encoded(source, format)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(decode_image(data).rgb, expected)


def test_lab_tiff():
    profiles = [ImageCms.createProfile(name) for name in ("sRGB", "LAB")]
    lab = ImageCms.profileToProfile(Image.fromarray(picture()), *profiles, outputMode="LAB")
    difference = np.abs(decode_image(encoded(lab, "TIFF")).rgb.astype(int) - picture())
    assert difference.mean() < 6


def test_adobe_cmyk_jpeg_is_not_inverted():
    data = encoded(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG")
    assert b"Adobe" in data and decode_image(data).rgb.min() > 250


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
@pytest.mark.parametrize("alpha, expected", [(0, 255), (255, 100), (128, 177)])
def test_alpha_is_laid_on_white(mode, alpha, expected):
    source = Image.new("L", (5, 4), 100).convert(mode)
    source.putalpha(alpha)
    assert source.mode == mode
    decoded = decode_image(encoded(source, "TIFF" if mode == "PA" else "PNG"))
    assert (decoded.rgb == expected).all()
    assert decoded.notes == (() if alpha == 255 else ("Transparent parts are shown on white.",))


@pytest.mark.parametrize(
    "source, transparency",
    [
        (Image.fromarray(np.array([[0, 1]], np.uint8), "L"), 0),
        (Image.fromarray(np.array([[[9, 9, 9], [1, 1, 1]]], np.uint8)), (9, 9, 9)),
        (Image.fromarray(np.array([[700, 257]], np.uint16)), 700),
    ],
)
def test_transparent_colour_is_white(source, transparency):
    rgb = decode_image(encoded(source, "PNG", transparency=transparency)).rgb
    assert (rgb[0, 0] == 255).all() and (rgb[0, 1] < 200).all()


@pytest.mark.parametrize("format", ["PNG", "GIF"])
@pytest.mark.parametrize("transparency", [1, b"\xff\x00"])
def test_transparent_palette_entry_is_white(format, transparency):
    source = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    source.putpalette([10, 20, 30, 40, 50, 60])
    transparency = 1 if format == "GIF" else transparency
    rgb = decode_image(encoded(source, format, transparency=transparency)).rgb
    np.testing.assert_array_equal(rgb, [[[10, 20, 30], [255, 255, 255]]])


@pytest.mark.parametrize("top, white", [(65535, 65535), (20000, 65535), (4095, 4095), (900, 1023), (9, 255)])
def test_16_bit_gray_tiff_is_scaled(top, white):
    values = np.array([[0, top // 2, top]], np.uint16)
    decoded = decode_image(encoded(Image.fromarray(values), "TIFF"))
    np.testing.assert_allclose(decoded.rgb[0, :, 0], values[0] * 255.0 / white, atol=0.51)
    note = f"Values 0 to {white} are shown as black to white."
    assert decoded.notes == (() if white == 65535 else (note,))


@pytest.mark.parametrize("top", [65535, 20000, 4095, 900, 9])
def test_16_bit_gray_png_is_shown_as_browsers_do(top):
    values = np.array([[0, top // 2, top]], np.uint16)
    decoded = decode_image(encoded(Image.fromarray(values), "PNG"))
    np.testing.assert_allclose(decoded.rgb[0, :, 0], values[0] / 257, atol=0.51)
    assert decoded.notes == ()


def test_16_bit_colour_png():
    row = struct.pack(">6H", 65535, 32896, 0, 0, 257, 65535)
    np.testing.assert_array_equal(decode_image(png(2, 1, 16, 2, [row])).rgb, [[[255, 128, 0], [0, 1, 255]]])


def test_big_endian_16_bit_tiff():
    values = np.array([[0, 32896, 65535]], ">u2")
    tags = [(256, 4, 3), (257, 4, 1), (258, 3, 16 << 16), (259, 3, 1 << 16), (262, 3, 1 << 16), (273, 4, 8)]
    tags += [(277, 3, 1 << 16), (278, 4, 1), (279, 4, 6)]
    directory = b"".join(struct.pack(">HHLL", tag, kind, 1, value) for tag, kind, value in tags)
    data = b"MM\0*" + struct.pack(">L", 14) + values.tobytes() + struct.pack(">H", len(tags)) + directory
    np.testing.assert_array_equal(decode_image(data + bytes(4)).rgb[0, :, 0], [0, 128, 255])


@pytest.mark.parametrize(
    "values, expected",
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 100.0, 255.0], [0, 100, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([float("nan"), 0.5, float("inf")], [0, 128, 255]),
        ([7000.0, 7000.0, 7000.0], [0, 0, 0]),
    ],
)
def test_float_tiff_is_scaled(values, expected):
    data = encoded(Image.fromarray(np.array([values], np.float32)), "TIFF")
    np.testing.assert_array_equal(decode_image(data).rgb[0, :, 0], expected)


def test_signed_32_bit_tiff_is_stretched():
    decoded = decode_image(encoded(Image.fromarray(np.array([[-100, 0, 100]], np.int32)), "TIFF"))
    np.testing.assert_array_equal(decoded.rgb[0, :, 0], [0, 128, 255])
    assert decoded.notes == ("Values -100 to 100 are shown as black to white.",)


@pytest.mark.parametrize("format", [name for name in FORMATS if name not in ("GIF", "BMP")])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(format, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    quality = {"quality": 95, "subsampling": 0} if format == "JPEG" else {"quality": 95}
    options = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}}.get(format, quality)
    data = encoded(Image.fromarray(picture()), format, exif=exif, **options)
    plain = picture()
    by_hand = [
        plain,
        plain[:, ::-1],
        plain[::-1, ::-1],
        plain[::-1],
        plain.swapaxes(0, 1),
        np.rot90(plain, -1),
    ]
    by_hand += [np.rot90(plain, 2).swapaxes(0, 1), np.rot90(plain)]
    expected = by_hand[orientation - 1]
    rgb = decode_image(data).rgb
    assert rgb.shape == expected.shape and rgb.flags.c_contiguous
    assert np.abs(rgb.astype(int) - expected).mean() < 4


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_tiff_compressions(compression):
    data = encoded(Image.fromarray(picture()), "TIFF", compression=compression)
    assert np.abs(decode_image(data).rgb.astype(int) - picture()).mean() < 8


def test_fax_tiff():
    bilevel = Image.fromarray(picture()).convert("1")
    data = encoded(bilevel, "TIFF", compression="group4")
    np.testing.assert_array_equal(decode_image(data).rgb, np.asarray(bilevel.convert("RGB")))


def test_big_tiff():
    data = encoded(Image.fromarray(picture()), "TIFF", big_tiff=True)
    np.testing.assert_array_equal(decode_image(data).rgb, picture())


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_of_several_frames(format):
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "blue", "lime")]
    lossless = {"lossless": True} if format == "WEBP" else {}
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **lossless)
    decoded = decode_image(data)
    np.testing.assert_array_equal(decoded.rgb, np.asarray(frames[0]))
    assert decoded.notes == ("Only the first frame or page is used.",)


def test_first_frame_on_a_larger_canvas():
    rgb = decode_image(moved_webp(Image.fromarray(picture()), (60, 50), 4, 6)).rgb
    want = np.full((50, 60, 3), 255)
    want[6:38, 4:52] = picture()
    np.testing.assert_array_equal(rgb, want)


def test_the_first_frame_counts_not_the_picture_before():
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("blue", "red", "lime")]
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True)
    np.testing.assert_array_equal(decode_image(data).rgb, np.asarray(frames[1]))


@pytest.mark.parametrize("width, height", [(1, 1), (3, 2), (5, 5), (17, 9), (2, 30)])
def test_interlaced_png(width, height):
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    np.testing.assert_array_equal(decode_image(interlaced_png(values)).rgb, values)


@pytest.mark.parametrize("width, height", [(1, 1), (6000, 200), (3, 5000)])
def test_any_aspect(width, height):
    assert decode_image(png(width, height, 8, 0, [bytes(width)] * height)).rgb.shape == (height, width, 3)


def test_scaling_down_is_optional_and_told():
    data = in_format(picture(400, 100), "JPEG")
    assert decode_image(data).rgb.shape == (100, 400, 3)
    decoded = decode_image(data, max_side_px=100)
    assert decoded.rgb.shape == (25, 100, 3)
    assert decoded.notes == ("Scaled down from 0.0 megapixels to 100 x 25.",)
    near = np.asarray(Image.fromarray(picture(400, 100)).resize((100, 25), Image.Resampling.LANCZOS))
    assert np.abs(decoded.rgb.astype(int) - near).mean() < 3


def test_scaled_and_turned():
    exif = Image.Exif()
    exif[274] = 6
    data = encoded(Image.fromarray(picture(400, 100)), "PNG", exif=exif)
    assert decode_image(data, max_side_px=100).rgb.shape == (100, 25, 3)


def test_threads_agree_and_leave_pillow_alone():
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    files = [in_format(picture(60 + k, 40), format) for k, format in enumerate(FORMATS)]
    expected = [decode_image(data).rgb for data in files]
    wrong = []

    def work():
        for data, rgb in zip(files * 5, expected * 5, strict=True):
            if not np.array_equal(decode_image(data).rgb, rgb):
                wrong.append(len(data))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
