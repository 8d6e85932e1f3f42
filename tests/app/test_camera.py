"""Frames of a live camera, without a browser."""

from __future__ import annotations

import base64
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from app.camera.frames import MAX_SIDE_PX, CameraHandlers, decode_frame
from app.engine.models import Models
from mpm.errors import InputError


@pytest.fixture
def camera(engine) -> CameraHandlers:
    return CameraHandlers(Models.of(engine))


def frame_of(rgb: np.ndarray, kind: str = "PNG") -> str:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def asked(rgb: np.ndarray, recipe: str = "2,5", number: int = 1, **more) -> dict:
    wish = {"tab": "t", "generation": 1, "model": None, "recipe": recipe}
    return {**wish, "number": number, "jpeg": frame_of(rgb), **more}


def labels_of(answer: dict, side: str) -> np.ndarray:
    flat = zlib.decompress(base64.b64decode(answer[side]["labels"]))
    return np.frombuffer(flat, np.uint8).reshape(answer["image"]["height"], answer["image"]["width"])


def test_a_frame_is_answered_with_both_masks_and_the_groups(camera, engine, smooth_image):
    answer = camera.frame(asked(smooth_image, number=7))
    json.dumps(answer, allow_nan=False)
    plain, merged = (
        engine.segmenter.segment(smooth_image, recipe, resolution=256) for recipe in ("none", "2,5")
    )
    np.testing.assert_array_equal(labels_of(answer, "unmerged"), plain.labels)
    np.testing.assert_array_equal(labels_of(answer, "merged"), merged.labels)
    groups = np.frombuffer(base64.b64decode(answer["groups"]), "<u2")
    np.testing.assert_array_equal(groups, merged.trace.groups(2).ravel())
    assert answer["number"] == 7
    assert answer["tokens"] == [merged.trace.token_counts[0], merged.trace.token_counts[-1]]
    assert (answer["blocks"], answer["counts"]) == ([2, 5], merged.trace.token_counts)
    assert answer["agreement"] == (plain.labels == merged.labels).mean()
    assert answer["unmerged"]["ms"] > 0 and answer["merged"]["ms"] > 0


def test_unmerged_and_merged_take_turns_at_going_first(camera, engine, smooth_image, monkeypatch):
    order = []
    segment = engine.segmenter.segment
    monkeypatch.setattr(
        engine.segmenter,
        "segment",
        lambda rgb, recipe, **more: order.append(recipe) or segment(rgb, recipe, **more),
    )
    for number in (0, 1):
        camera.frame(asked(smooth_image, number=number))
    assert order == ["none", "2,5", "2,5", "none"]


def test_a_recipe_that_merges_nothing_is_answered_too(camera, smooth_image):
    answer = camera.frame(asked(smooth_image, recipe="none"))
    assert answer["agreement"] == 1 and answer["tokens"][0] == answer["tokens"][1]


@pytest.mark.parametrize("fields", [None, [], {}, {"number": 3}, {"generation": 1, "recipe": None}])
def test_what_no_browser_of_ours_sends_is_one_sentence(camera, fields):
    assert camera.frame(fields)["failed"].startswith("The page sent something")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"recipe": "nonsense"}, "Recipe 'nonsense'"),
        ({"model": "no-such-model"}, "no-such-model"),
        ({"jpeg": None}, "cannot be read"),
        ({"jpeg": "%%%"}, "cannot be read"),
        ({"jpeg": base64.b64encode(b"GIF89a" + bytes(60)).decode()}, "cannot be read"),
        ({"jpeg": "A" * 2_000_000}, "cannot be read"),
    ],
)
def test_a_bad_frame_is_one_sentence(camera, smooth_image, change, sentence):
    answer = camera.frame({**asked(smooth_image, number=5), **change})
    assert answer["number"] == 5 and sentence in answer["failed"]


def test_a_truncated_frame_and_a_huge_one_are_refused(smooth_image):
    whole = base64.b64decode(frame_of(smooth_image, "JPEG"))
    with pytest.raises(InputError, match="cannot be read"):
        decode_frame(base64.b64encode(whole[: len(whole) // 2]).decode())
    with pytest.raises(InputError, match=str(MAX_SIDE_PX)):
        decode_frame(frame_of(np.zeros((8, MAX_SIDE_PX + 1, 3), np.uint8)))


def test_nothing_of_a_frame_is_kept(camera, engine, smooth_image):
    before = len(engine._runs._kept)
    camera.frame(asked(smooth_image))
    assert len(engine._runs._kept) == before
