"""Models of few and of many classes, and those that tell things apart, on their way to the browser."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace

import numpy as np
import pytest
from support.inspector_data import made_up_image, made_up_runs, made_up_segments, made_up_view

import mpm
from app.inspector.figure_parts import coloured_mask, outlines
from app.inspector.payload import encode
from app.inspector.wire import readable
from mpm.segmenters.segments import Segment, Segments


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return made_up_image(200, 120)


@pytest.fixture(scope="module")
def runs(image):
    return made_up_runs(image, rows=6, cols=10)


def unpacked_ids(run: dict, dtype) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(run["segments"]["ids"])), dtype)


def test_segments_are_exact_and_only_of_models_that_tell_things_apart(image, runs):
    labels, segments = made_up_segments(image)
    panoptic = replace(runs["2,5"], labels=labels, segments=segments)
    message = json.loads(encode(made_up_view(image), {"none": runs["none"], "2,5": panoptic}))
    plain, told = message["runs"]
    assert plain["segments"] is None
    np.testing.assert_array_equal(unpacked_ids(told, np.uint8).reshape(120, 200), segments.ids + 1)
    assert told["segments"]["table"][0] == [0, 0.5, False]
    assert told["segments"]["table"][4:] == [[4, round(0.9 + one / 100, 3), True] for one in range(5)]


def test_many_segments_take_two_bytes_and_the_display_s_size():
    image = made_up_image(2000, 1000)
    ids = (np.arange(2000)[None] // 4 + np.zeros((1000, 1), int)).astype(np.int16)
    segments = Segments(ids, tuple(Segment(1, 0.5, True) for _ in range(500)))
    run = replace(made_up_runs(image, 4, 8, ["none"])["none"], segments=segments)
    (told,) = json.loads(encode(made_up_view(image), {"none": run}))["runs"]
    shown = unpacked_ids(told, "<u2")
    assert shown.size == 1024 * 512 and shown.min() == 1 and shown.max() == 500


def test_names_of_joined_classes_can_be_read():
    names = ("person", "tree-merged", "wall-other-merged", "wall-brick", "-merged")
    assert [readable(name) for name in names] == ["person", "tree", "wall, other", "wall-brick", ""]


@pytest.mark.parametrize("classes", [1, 134, 150, 255, 256, 3000])
def test_models_of_one_class_or_of_thousands(image, runs, classes):
    names = [f"класс {number} 猫 🐈 with a name that goes on and on" for number in range(classes)]
    palette = np.random.default_rng(0).integers(0, 256, (classes, 3), np.uint8)
    labels = (np.arange(120 * 200).reshape(120, 200) % classes).astype(np.int64)
    own = {name: replace(runs[name], labels=labels) for name in ("none", "2,5")}
    message = json.loads(encode(made_up_view(image, truth=labels, class_names=names, palette=palette), own))
    dtype = np.uint8 if classes <= 255 else "<u2"
    for text in (message["runs"][1]["labels"], message["truth"]):
        sent = np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype).reshape(120, 200)
        # Of five classes the fifth is ignored, see `made_up_view`.
        assert (sent == labels)[labels != 4].all()
    assert [one["name"] for one in message["classes"]] == names
    assert len(message["runs"][1]["agreement"]) == classes
    assert all(before == after for before, after, _ in message["runs"][1]["agreement"])
    assert sum(pixels for *_, pixels in message["runs"][1]["truth"]) == int((labels != 4).sum())


def test_more_classes_than_the_page_can_show_are_refused_in_a_sentence(image):
    palette = np.zeros((0x10000, 3), np.uint8)
    with pytest.raises(mpm.InputError, match="at most 65535 classes, but this one has 65536"):
        made_up_view(image, class_names=["x"] * 0x10000, palette=palette)


def test_a_figure_outlines_things_alone(image, runs):
    labels, segments = made_up_segments(image)
    palette = np.arange(15, dtype=np.uint8).reshape(5, 3)
    mask = coloured_mask(replace(runs["none"], labels=labels, segments=segments), palette)
    white = (mask == 255).all(axis=2)
    assert 0 < white.sum() < 0.2 * white.size and (segments.ids[white] >= 4).all()
    assert (mask[~white] == palette[labels][~white]).all()
    assert (coloured_mask(replace(runs["none"], labels=labels), palette) == palette[labels]).all()


def test_no_line_of_the_figure_lies_in_the_padding():
    """A picture of 64 x 32 pixels in a square of 4 x 4 patches of 16: the lower half is none of it."""
    grid = mpm.Grid(4, 4, 16, (64, 32), (640, 320))
    groups = np.arange(16).reshape(4, 4)
    groups[2:] = 8
    groups[0, 1] = 0
    lines = outlines(grid, groups)
    assert lines.tolist() == [[[0, 0.5], [0.5, 0.5]], [[0.5, 0], [0.5, 0.5]]]
