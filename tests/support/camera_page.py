"""The page with a camera: opening it, starting the camera, and waiting for its frames."""

from __future__ import annotations

import re

from support.chromium import PATIENCE_MS
from support.inspector_page import HANDLE, settle

FRAMES = re.compile(r"/component_server\b")
"""Where frames are sent to."""
KEEP_TRACKS = """
window.tracks = [];
const ask = navigator.mediaDevices?.getUserMedia;
if (ask) navigator.mediaDevices.getUserMedia = async function (...wanted) {
  const stream = await ask.apply(this, wanted);
  window.tracks = stream.getTracks();
  return stream;
};
"""


def open_camera_page(context, url: str):
    """A visitor's page that remembers its errors and its camera's tracks."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.add_init_script(KEEP_TRACKS)
    page.goto(url)
    page.wait_for_function(f"{HANDLE}?.state.view")
    page.locator("[aria-label='Live camera']").wait_for()
    settle(page)
    return page


def until(page, condition: str) -> None:
    """Until a JavaScript condition holds of the explorer's state `s`, and that has been drawn."""
    page.wait_for_function(f"(() => {{ const s = {HANDLE}.state; return {condition}; }})()")
    settle(page)


def frames_beyond(page, frames: int) -> None:
    until(page, f"s.live?.frames >= {frames}")


def press_camera(page) -> None:
    page.locator("[aria-label='Live camera']").click()


def start_camera(page, frames: int = 3) -> None:
    """Press the tile and wait for so many answered frames."""
    press_camera(page)
    frames_beyond(page, frames)


def panes(page) -> list[str]:
    """What the three panes show, as pictures."""
    return page.evaluate(
        "['merge', 'baseline', 'mask'].map((name) =>"
        " document.querySelector(`#inspector [data-ref=${name}Base]`).toDataURL())"
    )
