"""The endpoints for programs, also MCP tools: image and recipe in, mask and merge map out; rules; recipes."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import numpy as np

from app.engine.generations import tab_of
from app.engine.models import Models
from app.engine.pictures import Picture
from app.engine.scheduler import Claim
from app.inspector.downloads import report
from app.inspector.messages import rule_menu
from app.server.toasts import bad_input_as_toast
from app.server.uploads import UploadImage
from mpm.data.images import DecodedImage
from mpm.merging.explain import reasons_of
from mpm.merging.schedule import PAPER

API_NAME = "segment"
PUBLIC = {"concurrency_limit": None, "api_visibility": "public"}
"""Who runs next is decided by the engine's scheduler, not by Gradio's queue."""
BAND_ROWS = 128


class Endpoint:
    """Handler of the endpoint. Its name and docstring are what programs and MCP clients read."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def segment(
        self,
        image: DecodedImage,
        schedule: str | None = "2,5",
        model: str | None = None,
        request: gr.Request | None = None,
    ) -> tuple[np.ndarray, dict]:
        """Segment a street photo by a Vision Transformer that merges similar tokens (Mutual Pair Merging).

        Args:
            image: a photo file (PNG, JPEG, WebP, GIF, BMP or TIFF).
            schedule: a recipe: encoder blocks before which tokens merge, such as "2,5", a rule and blocks,
                such as "bipartite(0.2)@2,5" (the endpoint `rules` lists them), a name such as "fast" (the
                endpoint `recipes` lists them), or "none" for the baseline.
            model: one of the models that the page has at hand; left out or empty, its own.

        Returns:
            The mask as an image in the classes' colours, and a report: token counts, class shares, timings
            in seconds, and for every insertion its block, its rule, and its input tokens' index, partner,
            nearest, similarity, position and reason.
        """
        if image is None:
            raise gr.Error("Please send an image.", print_exception=False)
        with bad_input_as_toast():
            engine = self._models.engine(model or None)
            # A program may leave it out, or send null: both mean the paper's.
            recipe = engine.read_recipe(PAPER if schedule is None else schedule)
            picture = Picture.of(image.rgb, notes=tuple(image.notes))
            run = engine.segment(picture, str(recipe), Claim(tab_of(request)), profile=True)
        segmenter = engine.segmenter
        answer = report(engine, picture, run)
        answer["class_shares"] = _class_shares(run.labels, segmenter.class_names)
        answer["merge_map"] = [_stage(stage) for stage in run.trace.stages]
        return _coloured(run.labels, segmenter.palette), answer

    def rules(self) -> list[dict]:
        """The rules that a recipe may name: name, title, source, and parameters with defaults and ranges.

        Returns:
            One object a rule.
        """
        return rule_menu()

    def recipes(self, model: str = "") -> list[dict]:
        """The recipes with names that a model can run: name, title, source, and the text spelled out for it.

        Args:
            model: one of the models that the page has at hand; left out or empty, its own.

        Returns:
            One object a recipe. `is_published` tells published methods from those chosen for the model.
        """
        with bad_input_as_toast():
            return self._models.engine(model or None).named_recipes


def add_endpoint(models: Models) -> None:
    """Put the endpoint on the page without showing it."""
    with gr.Row(visible=False):
        image = UploadImage(label="image")
        schedule = gr.Textbox("2,5", label="schedule")
        model = gr.Textbox("", label="model")
        mask = gr.Image(label="mask", format="png")
        answer = gr.JSON(label="report")
        run = gr.Button("segment")
    endpoint = Endpoint(models)
    gr.api(endpoint.rules, api_name="rules", queue=False)
    gr.api(endpoint.recipes, api_name="recipes", **PUBLIC)
    run.click(
        endpoint.segment, [image, schedule, model], [mask, answer], api_name=API_NAME,
        **PUBLIC,
    )  # fmt: skip


def _bands(labels: np.ndarray) -> Iterator[slice]:
    """A few rows at a time: NumPy turns labels that index or count something into 8 bytes each."""
    return (slice(top, top + BAND_ROWS) for top in range(0, len(labels), BAND_ROWS))


def _coloured(labels: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """(H, W) classes -> (H, W, 3) uint8."""
    image = np.empty((*labels.shape, 3), np.uint8)
    for band in _bands(labels):
        image[band] = palette[labels[band]]
    return image


def _class_shares(labels: np.ndarray, names: list[str]) -> dict[str, float]:
    bands = [np.bincount(labels[band].ravel(), minlength=len(names)) for band in _bands(labels)]
    counts = np.sum(bands, axis=0)
    return {
        name: round(float(count) / labels.size, 5) for name, count in zip(names, counts, strict=True) if count
    }


def _stage(stage) -> dict:
    similarity = [None if not np.isfinite(value) else round(float(value), 6) for value in stage.similarity]
    arrays = {name: getattr(stage, name).tolist() for name in ("index", "partner", "nearest", "position")}
    why = reasons_of(stage)
    reasons = [why.sentences[code] for code in why.code.tolist()]
    said = {"block": stage.block, "rule": stage.rule}
    return {**said, **arrays, "similarity": similarity, "reason": reasons}
