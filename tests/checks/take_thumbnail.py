"""Draw the Space's thumbnail anew, from the real page: `python tests/checks/take_thumbnail.py`.

A headless Chromium opens the page and photographs the merges beside the masks.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

from PIL import Image
from support.chromium import chromium
from support.page_process import ROOT, PageProcess

THUMBNAIL = ROOT / "assets" / "thumbnail.png"
SIZE_PX = (1200, 630)
"""What social networks show uncropped."""
MARGIN_PX = 20
COLOURS = 192


def photograph(url: str) -> Image.Image:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        page.goto(url)
        inspector = page.locator("#inspector")
        page.wait_for_function("document.querySelector('#inspector .mpm')?.__inspector?.state.view")
        inspector.scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
        shot = Image.open(io.BytesIO(inspector.screenshot())).convert("RGB")
        top = inspector.get_by_text("Merges", exact=True).first.bounding_box()["y"]
        top = round(top - inspector.bounding_box()["y"]) - MARGIN_PX
    return shot.crop((0, top, shot.width, shot.height))


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch, PageProcess(Path(scratch)) as page:
        page.wait_ready()
        picture = photograph(page.url)
    width, height = picture.size
    picture = picture.crop((0, 0, width, min(height, round(width * SIZE_PX[1] / SIZE_PX[0]))))
    picture = picture.resize(SIZE_PX, Image.Resampling.LANCZOS)
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(THUMBNAIL, optimize=True)
    print(f"{THUMBNAIL.relative_to(ROOT)}: {THUMBNAIL.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
