"""The figure for papers: its parts by hand, its files, any shape of picture and any number of classes."""

from __future__ import annotations

import io
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from PIL import Image
from support.inspector_data import CLASSES, PALETTE, made_up_image, made_up_runs

import mpm
from app.inspector.agreement import agreement
from app.inspector.figure import DPI, WIDTH_IN, Layout, figure_file, numbers
from app.inspector.figure_parts import (
    fitted,
    merged_picture,
    outlines,
    present,
    text_width_in,
    wrapped,
)

GRID = mpm.Grid(2, 3, 4)


def made_up(width=90, height=60, recipe="2,5"):
    """A picture, its unmerged run and another."""
    image = made_up_image(width, height)
    runs = made_up_runs(image, 6, 9)

    def one(name):
        own = runs[name]
        return SimpleNamespace(labels=own.labels, trace=own.trace, recipe=mpm.Recipe.parse(name))

    return image, one("none"), one(recipe)


def file(kind="png", speed=None, **shape):
    return figure_file(*made_up(**shape), CLASSES, PALETTE, "a model", speed, kind)


def test_groups_get_their_mean_and_single_patches_stay():
    picture = np.arange(8 * 12 * 3, dtype=np.uint8).reshape(8, 12, 3) % 97
    groups = np.array([[0, 0, 2], [3, 4, 2]])
    drawn = merged_picture(picture, GRID, groups)
    assert np.array_equal(drawn[4:, :8], picture[4:, :8])
    expected = np.rint(picture[:4, :8].reshape(-1, 3).mean(0))
    assert (drawn[:4, :8] == expected).all()
    assert (drawn[:, 8:] == np.rint(picture[:, 8:].reshape(-1, 3).mean(0))).all()


def test_outlines_are_those_of_merged_patches_in_whole_lines():
    groups = np.array([[0, 0, 2], [3, 4, 5]])
    x, y = 2 / 3, 1 / 2
    assert outlines(GRID, groups).tolist() == [[[0, y], [x, y]], [[x, 0], [x, y]]]
    assert outlines(GRID, np.arange(6).reshape(2, 3)).shape == (0, 2, 2)
    assert outlines(GRID, np.zeros((2, 3), int)).shape == (0, 2, 2), "the picture's edge is no border"


def test_outlines_leave_the_padding_out():
    # A patch is 4 of the content's 6 x 6 pixels: borders lie at two thirds of the picture.
    grid = mpm.Grid(2, 2, 4, content_wh_px=(6, 6), image_wh_px=(60, 60))
    assert np.allclose(outlines(grid, np.array([[0, 1], [0, 1]])), [[[2 / 3, 0], [2 / 3, 1]]])


def test_a_tiny_picture_keeps_its_hard_pixels():
    tiny = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    assert fitted(tiny, 6)[..., 0].tolist() == [[0, 0, 0, 255, 255, 255]] * 3
    assert fitted(np.zeros((10, 1000, 3), np.uint8), 50).shape == (1, 50, 3)


def test_classes_of_either_mask_the_largest_first():
    assert present([np.array([[3, 3, 1]]), np.array([[3, 0, 1]])], 5) == [3, 1, 0]


def test_agreement_is_at_the_size_of_the_baseline():
    baseline = np.array([[0, 0, 1, 1], [0, 0, 1, 2]], np.uint8)
    assert agreement(np.array([[0, 1]], np.uint8), baseline) == 7 / 8
    assert agreement(baseline, baseline) == 1


def test_lines_are_wrapped_where_they_are_too_long():
    width = text_width_in("one · two", 7) + 0.01
    assert wrapped(["one", "two", "three"], 7, width) == ["one · two", "three"]
    pieces = wrapped(["x" * 100], 7, 1.0)
    assert "".join(pieces) == "x" * 100 and all(text_width_in(one, 7) <= 1 for one in pieces)


def test_numbers_say_what_was_handed_in_and_no_more():
    _, baseline, merged = made_up()
    left = merged.trace.token_counts[-1]
    same = 100 * (baseline.labels == merged.labels).mean()
    said = numbers(baseline, merged, "a model")
    assert said[:3] == ["a model", "recipe 2,5", f"54 tokens became {left} ({100 * left / 54:.0f} %)"]
    assert said[3:] == [f"{same:.1f} % of the mask is the same"]
    assert numbers(baseline, merged, "m", "1.4 times as fast")[-1] == "1.4 times as fast"
    assert numbers(baseline, baseline, "m")[3] == "the whole mask is the same"
    merged.labels = baseline.labels.copy()
    merged.labels.flat[0] = 4 - merged.labels.flat[0]
    assert "100" not in numbers(baseline, merged, "m")[3], "one pixel is not the same"


@pytest.mark.parametrize(
    ("width", "height"), [(90, 60), (20, 15), (1, 1), (600, 20), (300, 100), (20, 600), (2000, 30)]
)
def test_pictures_of_any_shape(width, height):
    picture = Image.open(io.BytesIO(file(width=width, height=height)))
    assert picture.width == int(WIDTH_IN * DPI) and picture.height < 2.2 * picture.width
    assert picture.info["dpi"][0] == pytest.approx(DPI, abs=1)
    layout = Layout.of(width / height, 0.5)
    boxes = [layout.box(number) for number in range(4)]
    for left, bottom, wide, high in boxes:
        assert left >= 0 and left + wide <= 1 and bottom * layout.height > 0.49 and bottom + high < 1
    assert len({(left, bottom) for left, bottom, _, _ in boxes}) == 4


@pytest.mark.parametrize("count", [1, 150])
def test_any_number_of_classes(count):
    image, baseline, merged = made_up()
    labels = (np.arange(5400).reshape(60, 90) % count).astype(np.uint8)
    baseline.labels = merged.labels = labels
    names = [f"a class of ${number}$ and a name without end" for number in range(count)]
    palette = np.random.default_rng(0).integers(0, 256, (count, 3)).astype(np.uint8)
    text = figure_file(image, baseline, merged, names, palette, "m", kind="svg").decode()
    assert text.count("a class of $") == count and "…" in text


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_values_give_the_same_bytes_and_no_date(kind):
    first = file(kind)
    assert first == file(kind)
    assert b"CreationDate" not in first and b"dc:date" not in first


def test_text_stays_text():
    text = file("svg", speed="1.42 times as fast (1.31 to 1.50, 9 runs each)").decode()
    assert "1.42 times as fast (1.31 to 1.50, 9 runs each)" in text
    # Names are anybody's words.
    assert "&lt;b&gt;car&lt;/b&gt;" in text and "<b>" not in text
    assert b"/FontType 42" in file("pdf") or b"/Subtype /Type0" in file("pdf") or b"/TrueType" in file("pdf")


def test_nothing_global_changes_and_arguments_stay():
    image, baseline, merged = made_up()
    before, copies = dict(matplotlib.rcParams), (image.copy(), baseline.labels.copy())
    figure_file(image, baseline, merged, CLASSES, PALETTE, "m", kind="pdf")
    assert dict(matplotlib.rcParams) == before
    assert np.array_equal(image, copies[0]) and np.array_equal(baseline.labels, copies[1])


def test_another_kind_is_refused():
    with pytest.raises(mpm.InputError, match="png, svg, pdf"):
        file("gif")
