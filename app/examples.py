"""The pictures that ship with the page: synthetic streets with their exact labels.

`python -m app.examples` draws them anew and writes the inspector's first message with the bundled model, so
that the page shows something true before any weight is loaded. Run it whenever the weights, the generator
or the inspector's schema change.
"""

from __future__ import annotations

import argparse
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


@dataclass(frozen=True)
class Example:
    """A street to draw: file stem, title, seed and dials."""

    stem: str
    title: str
    seed: int
    dials: Dials

    @property
    def picture(self) -> Path:
        return FOLDER / f"{self.stem}.jpg"

    @property
    def labels(self) -> Path:
        return FOLDER / f"{self.stem}.labels.png"

    def rgb(self) -> np.ndarray:
        """(H, W, 3) uint8, as the page decodes it."""
        return decode_image(self.picture).rgb

    kind = "street"
    credit = ""

    def thumbnail(self) -> bytes:
        import cv2

        small = cv2.resize(cv2.imread(str(self.picture)), (128, 96), interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()

    def truth(self) -> np.ndarray:
        """(H, W) uint8 street classes."""
        return np.asarray(Image.open(self.labels))


EXAMPLES = (
    Example("high-street", "High street", 4, Dials(time_of_day=11, weather=0.1, clutter=0.6, texture=0.9)),
    Example("afternoon", "Afternoon", 7, Dials(time_of_day=15.5, weather=0.15, clutter=0.7, texture=0.9)),
    Example("crowd", "Crowded", 1, Dials(time_of_day=12, weather=0.3, clutter=1.0, texture=0.9)),
    Example("rain", "Rain", 3, Dials(time_of_day=13, weather=0.85, clutter=0.7, texture=0.8)),
    Example("dusk", "Dusk", 5, Dials(time_of_day=18.2, weather=0.2, clutter=0.7, texture=0.9)),
    Example("night", "Night", 6, Dials(time_of_day=22.5, weather=0.1, clutter=0.8, texture=0.9)),
)


def draw(examples: Sequence[Example] = EXAMPLES) -> None:
    """Render pictures and labels into the assets."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for example in examples:
        street = render_street(example.seed, *SIZE_WH_PX, dials=example.dials)
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
