"""Models as the page lists them: what they know, how large they are, how well they score."""

from __future__ import annotations

from dataclasses import dataclass

from app import texts

DEFAULT = "streets-vit-tiny"
OWN_GROUP = "Your own"
STREETS, THINGS, SCENES = "Streets", "Everyday things", "Scenes, indoors and out"


@dataclass(frozen=True)
class Knowledge:
    """A data set: its group in the menu, how many classes it has, and its short name."""

    group: str
    classes: int
    name: str


KNOWLEDGE = {
    "streets": Knowledge(STREETS, 11, "streets"),
    "cityscapes": Knowledge(STREETS, 19, "Cityscapes"),
    "coco-panoptic": Knowledge(THINGS, 133, "COCO"),
    "ade20k": Knowledge(SCENES, 150, "ADE20K"),
    "pascal-context-59": Knowledge(SCENES, 59, "Pascal Context"),
    "pascal-context-60": Knowledge(SCENES, 60, "Pascal Context"),
}
GROUPS = (STREETS, THINGS, SCENES, OWN_GROUP)
"""In the order of the menu."""


@dataclass(frozen=True)
class Offer:
    """A model as the page lists it.

    data_set          name of its label set
    size_bytes        of its files; None where nobody says
    at_hand           needs no download
    mean_iou          as published, in per cent; None where none is
    panoptic_quality  the same for models that tell things apart
    parameters_m      millions
    """

    name: str
    title: str
    data_set: str
    licence: str
    size_bytes: int | None
    at_hand: bool
    mean_iou: float | None = None
    panoptic_quality: float | None = None
    parameters_m: float | None = None

    @property
    def knowledge(self) -> Knowledge:
        return KNOWLEDGE.get(self.data_set, Knowledge(OWN_GROUP, 0, ""))

    @property
    def knows(self) -> str:
        """Its classes in words."""
        return texts.DATA_SETS.get(self.data_set, self.data_set) or "classes of its own"

    @property
    def line(self) -> str:
        """A line of the menu: title, size, score, and whether it has to be downloaded."""
        size = f"{self.parameters_m:g} M parameters" if self.parameters_m else megabytes(self.size_bytes)
        return " · ".join(filter(None, [self.title, size, self.score, self.nearness]))

    @property
    def score(self) -> str:
        """The published score with its name; where none is, what the model knows."""
        on = f" on {self.knowledge.name}" if self.knowledge.name else ""
        if self.panoptic_quality:
            return f"PQ {self.panoptic_quality:g}{on}"
        if self.mean_iou:
            return f"mIoU {self.mean_iou:g}{on}"
        return self.knows if self.knowledge.name else ""

    @property
    def nearness(self) -> str:
        """At hand, or what has to be downloaded."""
        if self.at_hand:
            return "at hand"
        size = megabytes(self.size_bytes)
        return f"download of about {size}" if size else "download"


def model_card(offer: Offer) -> dict[str, str | float | None]:
    """A model as the explorer's menu shows it, and what the browser needs to choose among several.

    name, line, about (what it knows, and its licence), licence, group, title, classes, parameters_m, download
    (its size in words, "" where nobody says; None for one at hand).
    """
    return {
        "name": offer.name,
        "line": offer.line,
        "about": _about(offer),
        "licence": offer.licence,
        "group": offer.knowledge.group,
        "title": offer.title,
        "classes": offer.knowledge.classes,
        "parameters_m": offer.parameters_m,
        "download": None if offer.at_hand else megabytes(offer.size_bytes),
    }


def megabytes(size: int | None) -> str:
    """A size in words, "" where nobody says."""
    return "" if size is None else f"{max(1, round(size / 1e6))} MB"


def _about(offer: Offer) -> str:
    licence = f" Licence: {offer.licence}." if offer.licence else ""
    if offer.name == DEFAULT:
        return texts.KNOWS + licence
    return f"It knows {offer.knows}: masks are meaningful on such pictures, merges on any.{licence}"
