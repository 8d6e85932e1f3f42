"""The named recipes that a model can run."""

from __future__ import annotations

from mpm.encoders import vit
from mpm.merging.named import named_recipes
from mpm.segmenters.runnable import runnable_recipes


def test_a_plain_model_runs_all_of_them(tiny, smooth_image):
    found = runnable_recipes(tiny)
    assert [one for one, _ in found] == list(named_recipes())
    for one, recipe in found:
        assert recipe == tiny.read_recipe(one.name)
        if recipe.looks_ahead:  # so small a picture meets no wish
            continue
        assert tiny.segment(smooth_image, recipe).labels.shape == smooth_image.shape[:2]


def test_what_a_model_refuses_is_left_out(tiny, monkeypatch):
    monkeypatch.setattr(vit, "has_halves", lambda block: False)
    assert [one.name for one, _ in runnable_recipes(tiny)] == ["light", "fast", "fastest", "adaptive"]
