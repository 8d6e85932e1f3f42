"""One image as the inspector shows it, without its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.engine.engine import DISPLAY_PX
from mpm.errors import InputError

MAX_CLASSES = 0xFFFF


@dataclass(frozen=True, eq=False)
class ImageView:
    """One image as the inspector shows it, without its runs.

    key          names image and model; the browser keeps the user's settings while it stays the same
    image        (H, W, 3) uint8 RGB, the user's own size
    class_names  K names; palette (K, 3) uint8
    depth        number of encoder blocks
    schedules    the slider's stops, as texts of mpm.Recipe
    truth        (H, W) integer labels, or None; pixels of `ignore_index` and of unknown classes count nowhere
    rules        what a recipe may name, as `mpm.Rule.describe` tells it
    named        recipes with names, spelled out for the model, as `mpm.merging.named` tells them
    picture      digest of the image; model: its card, as `app.engine.offers.model_card` tells it
    reference    {median, low} of the model's confidence on pictures of its kind, None where nobody measured
    is_unsure    whether the unmerged mask is much less sure than that: the model may not know such pictures
    can          what the page answers: "heat", "custom", "mask", "npz", "report", "python"
    """

    key: str
    image: np.ndarray
    class_names: Sequence[str]
    palette: np.ndarray
    depth: int
    schedules: Sequence[str]
    title: str = ""
    notes: Sequence[str] = ()
    truth: np.ndarray | None = None
    ignore_index: int | None = None
    baseline: str = "none"
    paper: str = "2,5"
    can: Sequence[str] = ()
    rules: Sequence[Mapping[str, Any]] = ()
    named: Sequence[Mapping[str, Any]] = ()
    picture: str = ""
    model: Mapping[str, Any] = field(default_factory=dict)
    reference: Mapping[str, float] | None = None
    is_unsure: bool = False

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(f"Image must be (H, W, 3) uint8, but got {self.image.shape} {self.image.dtype}.")
        if len(self.class_names) != len(self.palette):
            raise ValueError(
                "class_names and palette must have the same length, "
                f"but got {len(self.class_names)} and {len(self.palette)}."
            )
        if len(self.palette) > MAX_CLASSES:
            raise InputError(
                f"The page shows models of at most {MAX_CLASSES} classes, but this one has "
                f"{len(self.palette)}: `mpm segment` writes its masks"
            )
        if self.truth is not None and self.truth.shape != self.image.shape[:2]:
            raise ValueError(f"Truth must be {self.image.shape[:2]}, but got {self.truth.shape}.")

    @property
    def label_dtype(self) -> np.dtype:
        return label_dtype(len(self.class_names))

    @property
    def display_wh_px(self) -> tuple[int, int]:
        """Size that the browser draws: the image's own, or its long side at DISPLAY_PX."""
        return display_wh_px(self.image)


def label_dtype(classes: int) -> np.dtype:
    """What holds a class or, as the type's highest number, none."""
    return np.dtype("u1" if classes <= 0xFF else "<u2")


def display_wh_px(rgb: np.ndarray) -> tuple[int, int]:
    """Size that the browser draws of an (H, W, 3) image: its own, or its long side at DISPLAY_PX."""
    height, width = rgb.shape[:2]
    scale = min(1.0, DISPLAY_PX / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))
