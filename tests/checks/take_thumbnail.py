"""Draw the Space's thumbnail anew, from the real page: `python tests/checks/take_thumbnail.py`.

A headless Chromium opens the page and photographs its first screen, once a speed has been measured.
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
from support.whole_page import WITHOUT_TOUR, new_visitor, wait_for

THUMBNAIL = ROOT / "assets" / "thumbnail.png"
SIZE_PX = (1200, 630)
"""What social networks show uncropped."""
WINDOW_PX = (1440, 756)
"""Of the same shape, and wide enough that nothing wraps."""
COLOURS = 128


def photograph(url: str) -> Image.Image:
    with chromium() as browser:
        context = browser.new_context(viewport=dict(zip(("width", "height"), WINDOW_PX, strict=True)))
        context.add_init_script(WITHOUT_TOUR)
        page = new_visitor(context, url)
        seen = wait_for(page, "['known', 'few'].includes(s.speed.kind) && !s.speed.isLive && s.curves")
        if seen["speed"]["kind"] != "known":
            sys.exit("this computer is too busy to measure a speed: try again")
        return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch, PageProcess(Path(scratch)) as page:
        page.wait_ready()
        picture = photograph(page.url)
    picture = picture.resize(SIZE_PX, Image.Resampling.LANCZOS)
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(THUMBNAIL, optimize=True)
    print(f"{THUMBNAIL.relative_to(ROOT)}: {THUMBNAIL.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
