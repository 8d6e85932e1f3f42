"""Models whose head needs the full grid, on the page: what they offer, what becomes of another's recipe."""

from __future__ import annotations

import pytest
from support.stub_engine import StubEngine
from support.tiny_eomt import lively_eomt, save, soft_picture

import mpm
from app.engine.pictures import Picture
from app.inspector.messages import DECODE_MERGED, fitting, image_view


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> StubEngine:
    folder = save(tmp_path_factory.mktemp("eomt") / "model", lively_eomt(num_hidden_layers=6), panoptic=True)
    return StubEngine(mpm.load_segmenter(folder))


def test_a_recipe_of_another_model_loses_no_more_than_it_must(engine):
    assert fitting("0,2|decode-merged,residual", engine) == "0,2|residual"
    assert fitting("0,2|decode-merged", engine) == "0,2"
    assert fitting("0,9|decode-merged", engine) == "2,5"
    assert fitting("0,2|residual", engine) == "0,2|residual"


def test_merged_decoding_is_offered_only_where_a_head_allows_it(engine, tiny):
    picture = Picture.of(soft_picture(90, 70))
    assert DECODE_MERGED not in image_view(engine, picture, {}).can
    assert DECODE_MERGED in image_view(StubEngine(tiny), picture, {}).can
    assert all(DECODE_MERGED not in one["text"] for one in engine.named_recipes)
