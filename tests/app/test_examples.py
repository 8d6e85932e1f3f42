"""The pictures that ship with the page."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import mpm
from app.engine.pictures import Examples, Pictures, digest
from app.examples import EXAMPLES, FOLDER, THUMBNAIL_BYTES, THUMBNAIL_HEIGHT_PX, draw
from mpm.segmenters.confidence import is_unsure

LICENCES = (FOLDER.parent / "LICENSE").read_text(encoding="utf-8")


def test_streets_first_then_photographs_then_what_is_drawn():
    order = [(example.kind, example.drawing is not None) for example in EXAMPLES]
    assert order == [("street", False)] * 3 + [("photo", False)] * 3 + [("street", True)] * 6
    assert len({example.stem for example in EXAMPLES}) == len(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_a_picture_with_its_words_and_its_truth(example):
    rgb, truth = example.rgb(), example.truth()
    assert rgb.dtype == np.uint8 and max(rgb.shape) <= 720
    assert example.title and example.credit and example.licence
    assert example.stem in LICENCES
    if example.drawing is None:
        assert example.credit.partition(",")[0].partition(":")[0] in LICENCES
    assert (truth is None) == (example.kind == "photo")
    if truth is not None:
        assert truth.shape == rgb.shape[:2] and truth.dtype == np.uint8
        assert truth.max() <= mpm.STREETS.ignore_index and len(np.unique(truth)) > 6


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_a_thumbnail_is_small_and_of_the_same_shape(example):
    file = example.thumbnail()
    picture = Image.open(io.BytesIO(file))
    height, width = example.rgb().shape[:2]
    assert len(file) <= THUMBNAIL_BYTES and picture.format == "JPEG"
    wanted = (round(THUMBNAIL_HEIGHT_PX * width / height), THUMBNAIL_HEIGHT_PX)
    assert picture.size == wanted and "icc_profile" not in picture.info
    small = np.asarray(picture, np.float64).mean((0, 1))
    assert np.abs(small - example.rgb().mean((0, 1))).max() < 3


def test_truth_is_in_the_model_s_classes():
    """The bundled model agrees with the labels of a street it never saw far more than by chance."""
    segmenter = mpm.load_segmenter("streets-vit-tiny")
    for example in EXAMPLES[:3]:
        truth, labels = example.truth(), segmenter.segment(example.rgb(), "none").labels
        known = truth != segmenter.config.labels.ignore_index
        assert (labels == truth)[known].mean() > 0.85


def test_the_model_is_unsure_of_photographs_and_sure_of_streets():
    segmenter = mpm.load_segmenter("streets-vit-tiny")
    unsure = {
        example.stem: is_unsure(
            segmenter.segment(example.rgb(), "none").confidence, segmenter.config.confidence
        )
        for example in EXAMPLES
    }
    assert unsure == {example.stem: example.kind == "photo" for example in EXAMPLES}


def test_photographs_are_known_without_a_truth():
    known = Examples(EXAMPLES, Pictures()).find("cat")
    assert known.title == "Cat" and known.truth is None


def test_drawing_leaves_photographs_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("app.examples.FOLDER", tmp_path)
    drawn = next(example for example in EXAMPLES if example.drawing is not None)
    draw([EXAMPLES[0], EXAMPLES[3], drawn])
    assert {path.name for path in tmp_path.iterdir()} == {drawn.picture.name, drawn.labels.name}
    again = digest(drawn.rgb())
    monkeypatch.undo()
    assert digest(drawn.rgb()) == again, "the generator draws what ships"
