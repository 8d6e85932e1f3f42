"""The pictures that ship with the page: real streets with their labels, other photographs, drawn streets.

`python -m app.examples` draws the streets anew and writes the inspector's first message with the bundled
model, so that the page shows something true before any weight is loaded. Run it whenever the weights, the
generator, the first example or the inspector's schema change.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mpm.data.images import decode_image
from mpm.streets import Dials, render_street

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "examples"
FIRST_MESSAGE = FOLDER / "first.json"
SIZE_WH_PX = (720, 540)
THUMBNAIL_HEIGHT_PX = 64
THUMBNAIL_BYTES = 2_200
QUALITIES = (85, 75, 65, 55, 45, 35, 25, 15, 5)

CAMVID = "CamVid: Brostow, Fauqueur, Cipolla"
CC_BY_NC, CC0, PUBLIC_DOMAIN = "CC BY-NC 4.0", "CC0", "public domain"


@dataclass(frozen=True)
class Drawing:
    """How a street is drawn."""

    seed: int
    dials: Dials


@dataclass(frozen=True)
class Example:
    """A picture file that ships with the page.

    kind     "street": what the bundled model knows, with labels; or "photo": anything else, without
    credit   who made it
    licence  its terms in short; assets/LICENSE has them in full
    drawing  how it was drawn; None for a photograph
    """

    stem: str
    title: str
    kind: str
    credit: str
    licence: str
    drawing: Drawing | None = None

    @property
    def picture(self) -> Path:
        return FOLDER / f"{self.stem}.jpg"

    @property
    def labels(self) -> Path | None:
        """The file of street classes, for streets."""
        return FOLDER / f"{self.stem}.labels.png" if self.kind == "street" else None

    def rgb(self) -> np.ndarray:
        """(H, W, 3) uint8, as the page decodes it."""
        return decode_image(self.picture).rgb

    def truth(self) -> np.ndarray | None:
        """(H, W) uint8 street classes, 11 for pixels without one; None where there are no labels."""
        return None if self.labels is None else np.asarray(Image.open(self.labels))

    def thumbnail(self) -> bytes:
        """A JPEG of 64 px height and at most 2.2 kB."""
        picture = Image.fromarray(self.rgb())
        width = max(1, round(picture.width * THUMBNAIL_HEIGHT_PX / picture.height))
        small = picture.resize((width, THUMBNAIL_HEIGHT_PX), Image.Resampling.LANCZOS)
        files = (_jpeg(small, quality) for quality in QUALITIES)
        return next((file for file in files if len(file) <= THUMBNAIL_BYTES), _jpeg(small, 1))


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()


def _camvid(stem: str, title: str) -> Example:
    """A frame of the validation drive: the bundled model was not trained on it."""
    return Example(stem, title, "street", CAMVID, CC_BY_NC)


def _street(stem: str, title: str, seed: int, dials: Dials) -> Example:
    return Example(stem, title, "street", "drawn by this project", CC_BY_NC, Drawing(seed, dials))


EXAMPLES = (
    _camvid("camvid-car", "Cambridge, a car"),
    _camvid("camvid-crossing", "Cambridge, a crossing"),
    _camvid("camvid-cyclist", "Cambridge, a cyclist"),
    Example("cat", "Cat", "photo", "Stéfan van der Walt", CC0),
    Example("coffee", "Coffee", "photo", "Rachel Michetti, courtesy of Pikolo Espresso Bar", CC0),
    Example("rocket", "Rocket", "photo", "SpaceX", PUBLIC_DOMAIN),
    _street("high-street", "High street", 4, Dials(time_of_day=11, weather=0.1, clutter=0.6, texture=0.9)),
    _street("afternoon", "Afternoon", 7, Dials(time_of_day=15.5, weather=0.15, clutter=0.7, texture=0.9)),
    _street("crowd", "Crowded", 1, Dials(time_of_day=12, weather=0.3, clutter=1.0, texture=0.9)),
    _street("rain", "Rain", 3, Dials(time_of_day=13, weather=0.85, clutter=0.7, texture=0.8)),
    _street("dusk", "Dusk", 5, Dials(time_of_day=18.2, weather=0.2, clutter=0.7, texture=0.9)),
    _street("night", "Night", 6, Dials(time_of_day=22.5, weather=0.1, clutter=0.8, texture=0.9)),
)
"""The first is the page's picture when it opens."""


def draw(examples: Sequence[Example] = EXAMPLES) -> None:
    """Render pictures and labels of the drawn ones into the assets; photographs stay."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for example in examples:
        if example.drawing is None or example.labels is None:
            continue
        street = render_street(example.drawing.seed, *SIZE_WH_PX, dials=example.drawing.dials)
        Image.fromarray(street.image).save(example.picture, quality=92, subsampling=0)
        Image.fromarray(street.labels).save(example.labels, optimize=True)


def write_first_message(model: str) -> None:
    """All presets of the first example through the model, as the inspector reads them."""
    from app.engine.engine import Engine
    from app.engine.pictures import Picture
    from app.inspector.messages import first_message

    engine, first = Engine(model, "cpu").start(), EXAMPLES[0]
    picture = Picture.of(first.rgb(), title=first.title, truth=first.truth())
    FIRST_MESSAGE.write_text(first_message(engine, picture), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.examples", description=__doc__.split("\n\n")[1])
    parser.add_argument("--model", default="streets-vit-tiny")
    args = parser.parse_args(arguments)
    draw()
    write_first_message(args.model)
    print(f"{len(EXAMPLES)} pictures, {FIRST_MESSAGE.stat().st_size / 1e6:.2f} MB first message")
    return 0


if __name__ == "__main__":
    sys.exit(main())
