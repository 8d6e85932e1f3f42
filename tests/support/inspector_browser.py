"""The inspector with made-up runs in a browser: its messages, its page, and what a test does there."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr
import numpy as np
from support.inspector_data import made_up_image, made_up_runs, made_up_view
from support.inspector_page import HANDLE, settle

from app.inspector import Inspector
from app.inspector.payload import encode, encode_failure, encode_heat, encode_runs

ROWS, COLS = 12, 16
IMAGE = made_up_image(248, 192)
RUNS = made_up_runs(IMAGE, ROWS, COLS)
VIEW = made_up_view(IMAGE, can=("heat", "custom", "decode-merged"))
BASELINE = RUNS["none"]


def plain_run():
    """A picture in which no token finds a partner, as far as the trace says."""
    run = RUNS["2"]
    stage = run.trace.stages[0]
    alone = replace(stage, index=np.arange(ROWS * COLS), partner=np.full(ROWS * COLS, -1))
    return replace(run, trace=replace(run.trace, stages=(alone,)))


def odd(width_px: int, height_px: int, rows: int, cols: int) -> str:
    image = made_up_image(width_px, height_px)
    view = made_up_view(image, key=f"{width_px}x{height_px}", truth=None)
    return encode(view, made_up_runs(image, rows, cols, ["none", "2,5"]), selected="2,5")


def runs_message(*names: str, sent=()) -> str:
    return encode_runs(VIEW, {name: RUNS[name] for name in names}, baseline=BASELINE, sent=sent)


def centred() -> str:
    """The grid of 6 x 10 patches begins 8 model pixels left of the picture and 4 above it."""
    content, corner = (COLS * 16 - 16, ROWS * 16 - 8), (8, 4)
    grid = replace(RUNS["2,5"].grid, content_wh_px=content, content_xy_px=corner)
    runs = {name: replace(RUNS[name], grid=grid) for name in ("2,5", "none")}
    return encode(replace(VIEW, key="centred"), runs, selected="2,5")


MESSAGES = {
    "first": lambda: encode(VIEW, {name: RUNS[name] for name in ("2,5", "none")}, selected="2,5"),
    "rest": lambda: runs_message("8", "5", "2", "2,5,8", "2,4,6,8", "0,2,4,6,8"),
    "gap": lambda: runs_message("8", sent=["none", "2,5", "8", "5"]),
    "failure": lambda: encode_failure("custom", 0, "This schedule did not fit.", ["1,2,5"]),
    "heat": lambda: encode_heat("picture", "2,5", 2, 21, np.linspace(0, 1, ROWS * COLS), "Made-up heat."),
    "other": lambda: encode(
        replace(VIEW, key="other", title="Other"), {"none": BASELINE, "5": RUNS["5"]}, selected="5"
    ),
    "alone": lambda: encode(replace(VIEW, key="alone"), {"none": BASELINE, "2": plain_run()}, selected="2"),
    "centred": centred,
    "pixel": lambda: odd(1, 1, 2, 3),
    "panorama": lambda: odd(3000, 100, 4, 120),
}


def build() -> gr.Blocks:
    """A Gradio page with the inspector, and Python that answers its events."""

    def heat(event: gr.EventData) -> str:
        values = np.linspace(0, 1, ROWS * COLS)
        return encode_heat("picture", event.recipe, event.stage, event.patch, values, "Made-up heat.")

    def custom(event: gr.EventData) -> str:
        return encode_failure("custom", event.generation, f"No room for {event.recipe}.", [event.recipe])

    def missing(event: gr.EventData) -> str:
        return runs_message(*event.schedules)

    with gr.Blocks() as page:
        component = Inspector(MESSAGES["first"]())
        for name in ("rest", "gap"):
            gr.Button(f"send {name}").click(MESSAGES[name], None, component)
        component.patch(heat, None, component)
        component.missing(missing, None, component)
        component.custom(custom, None, component)
    return page


def own(asked: str, url: str) -> bool:
    return asked.startswith((url, "data:", "blob:"))


def state(page) -> dict:
    settle(page)
    return page.evaluate(f"() => {HANDLE}.state")


def send(page, name: str, condition: str = "true") -> None:
    page.evaluate("(message) => window.send(message)", MESSAGES[name]())
    page.wait_for_function(f"() => {{ const s = {HANDLE}.state; return {condition}; }}")
    settle(page)


def events(page, name: str) -> list[dict]:
    """What the component sent to Python under that name."""
    return [data for own_name, data in page.evaluate("window.events") if own_name == name]


def send_rest(page) -> None:
    send(page, "rest", "s.runs.length === 8")


def centre(page, patch: int, pane: str = "merge") -> tuple[float, float]:
    """Middle of a patch in page coordinates."""
    page.locator(f"[data-ref={pane}Top]").scroll_into_view_if_needed()
    box = page.locator(f"[data-ref={pane}Top]").bounding_box()
    rect = page.evaluate(f"(pane) => {HANDLE}.rect(pane)", pane)
    row, col = divmod(patch, COLS)
    wide, high = 16 / (COLS * 16 - 8), 1 / ROWS
    return box["x"] + rect["x"] + rect["w"] * (col + 0.5) * wide, box["y"] + rect["y"] + rect["h"] * (
        row + 0.5
    ) * high


def pixel(page, patch: int, canvas: str, pane: str) -> list[int]:
    """Colour that the canvas has in the middle of a patch."""
    settle(page)
    x, y = centre(page, patch, pane)
    read = """([canvas, x, y]) => {
        const box = canvas.getBoundingClientRect();
        const at = [x - box.left, y - box.top].map(Math.round);
        return [...canvas.getContext('2d').getImageData(...at, 1, 1).data];
    }"""
    return page.evaluate(read, [page.locator(f"[data-ref={canvas}]").element_handle(), x, y])[:3]


def only_layers(page, *names: str) -> None:
    layers = ",".join(f"{name}:100" for name in names)
    page.evaluate("(hash) => { location.hash = hash; }", f"#layers={layers}")
    page.reload()
    page.wait_for_function(f"{HANDLE}?.state.shown")


def open_panel(page, name: str) -> None:
    """The panel over the page with the layers ("Layers") or with names and options ("Recipe")."""
    panel = page.locator(".pop", has=page.locator("summary", has_text=name))
    if panel.get_attribute("open") is None:
        panel.locator("summary").click()


def close_panel(page) -> None:
    page.locator(".pop[open] summary").press("Escape")


def pick(page, schedule: str) -> None:
    page.locator(f"[data-schedule='{schedule}']").click()
