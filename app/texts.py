"""Words on the page."""

from __future__ import annotations

import math
import os

TITLE = "MPM Explorer"

PAPER_LINK = "https://arxiv.org/abs/2604.05718"


def links() -> dict[str, str]:
    """Addresses in the head line. Only a Space knows where its code can be read."""
    space = os.environ.get("SPACE_ID")
    code = {"code": f"https://huggingface.co/spaces/{space}/tree/main"} if space else {}
    return {"paper": PAPER_LINK, **code}


def floored_percent(share: float, digits: int = 1) -> str:
    """A share of pixels that are the same: never rounded up to all of them."""
    return f"{math.floor(10 ** (digits + 2) * share) / 10**digits:.{digits}f} %"


KNOWS = (
    "The bundled model knows eleven street classes: merges are meaningful on any picture, its masks only on "
    "streets."
)

DATA_SETS = {
    "streets": "eleven street classes",
    "coco-panoptic": "133 everyday things and backgrounds (COCO)",
    "ade20k": "ADE20K, 150 classes",
    "cityscapes": "Cityscapes, 19 classes",
    "pascal-context-59": "Pascal Context, 59 classes",
    "pascal-context-60": "Pascal Context, 60 classes",
}

ABOUT = """
#### What am I looking at?
A *token* is the vector that stands for one 16-pixel patch while it passes through the encoder's twelve
blocks. Before the blocks you choose, every token looks for its nearest other by cosine similarity. Two that
choose each other become one, their plain mean. Nothing is learned and nothing is tuned: how many merge is up
to the picture. After the last block each patch gets its group's token back, so the decoder works on the full
grid as ever.

#### What is measured?
The unmerged and the merged model run in turn on this very device, from decoded picture to mask. The page
tells the ratio of their medians with its 95 % interval, and nothing before seven runs of each. Whoever looks
at something goes first: a race pauses for them between two runs, and a timed run has the device to itself.

#### Where does it come from?
Method: Ravé, Rasti, Rousseau, *MPM: Mutual Pair Merging for Efficient Vision Transformers*, arXiv 2604.05718.
Bundled weights: trained on CamVid (CC BY-NC 4.0) and synthetic streets, so they are CC BY-NC 4.0; the code is
Apache-2.0. Example pictures: streets of CamVid's validation drive (CC BY-NC 4.0), which the bundled model was
not trained on; a cat (Stéfan van der Walt, CC0), a coffee (Rachel Michetti, courtesy of Pikolo Espresso Bar,
CC0) and a rocket (SpaceX, public domain), as distributed with scikit-image; and streets that this project
drew.

#### Which models?
The one in the box knows eleven street classes and needs no download. Where it is much less sure of a picture
than of streets, the page says so, shows features instead of classes (the three directions in which the final
tokens differ most, as colours), and offers a model that knows more.
The menu has others as their authors publish them. EoMT knows 133 everyday things and backgrounds and tells
things apart, so that people and cars are counted; further ones know the 150 scene classes of ADE20K, or
streets at a larger size (MIT). DPT puts the grid back at four depths (MIT). Segmenter (MIT), mmsegmentation's
Segmenter and DINOv2 (Apache-2.0) know the classes of ADE20K; Segmenter also those of Pascal Context and
Cityscapes. A licence covers a model's weights; the pictures that it learned from have terms of their own.
The menu says how long a run takes here: measured once a model ran, told from its size before that. Large ones
take seconds on a small computer.

#### For programs
The endpoint `/segment` takes an image, a recipe and optionally a model that is at hand, and returns the
mask and the merge map; `/rules` lists what a recipe may name, `/recipes` those that have a name themselves;
where `gradio[mcp]` is installed all three are MCP tools, too.
In Python: `mpm.load_segmenter("streets-vit-tiny").segment(picture, "2,5")`.
"""

LAB = """
Streets drawn to order, with exact labels. Turn a dial and watch merging follow the content.
"""
DIAL_HINTS = {
    "time_of_day": "hours",
    "weather": "0 clear, 1 heavy rain",
    "clutter": "0 empty, 1 crowded",
    "texture": "0 flat, 1 rich",
}
