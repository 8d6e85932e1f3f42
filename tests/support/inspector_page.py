"""The inspector on a page of its own, for tests and measurements in a browser."""

from __future__ import annotations

import json

from app.inspector import Inspector

HANDLE = "document.querySelector('#inspector .mpm')?.__inspector"
"""The component's read-only debug handle, as an expression in the page."""

STAND_IN = "http://inspector.test/"
"""Serves the component alone, with gr.HTML's contract around it: a page that opens in milliseconds."""

CONTRACT = """
const host = document.getElementById('host');
const watchers = [];
window.events = [];
window.uploads = [];
window.props = { value: FIRST, page: PAGE };
// Every message once, as Gradio hands a new value on.
window.send = (value) => { props.value = value; watchers.forEach((act) => act()); };
window.relay = (value) => window.dispatchEvent(new CustomEvent('mpm-message', { detail: value }));
window.race = (message) => window.dispatchEvent(new CustomEvent('mpm-race', { detail: message }));
// What `upload(file)` does next: a function of the file.
window.onUpload = (file) => ({ path: '/uploads/' + file.name, url: '' });
const upload = async (file) => { window.uploads.push(file.name); return window.onUpload(file); };
const trigger = (name, data) => window.events.push([name, data]);
const watch = (names, act) => watchers.push(act);
const run = Function('element', 'trigger', 'props', 'server', 'upload', 'watch', SCRIPT);
run(host, trigger, props, {}, upload, watch);
"""

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

# fmt: off
FACTS = {
    "title": "MPM Explorer",
    "models": [
        {
            "name": "made-up", "line": "made-up · eleven street classes", "about": "Made up.",
            "title": "Made up", "group": "Streets", "classes": 11, "licence": "CC0",
            "parameters_m": None, "download": None,
        },
        {
            "name": "other", "line": "other · 150 classes", "about": "Another one.", "title": "Other",
            "group": "Scenes", "classes": 150, "licence": "MIT", "parameters_m": 7, "download": "28 MB",
        },
    ],
    "groups": ["Streets", "Things", "Scenes"],
    "model": "made-up",
    "examples": [
        {"name": name, "title": title, "kind": kind, "credit": credit, "thumbnail": PIXEL}
        for name, title, kind, credit in (
            ("street", "High street", "synthetic street", ""),
            ("cat", "Cat", "photo", "Somebody, CC0"),
        )
    ],
    "selected_example": "street",
    "links": {"paper": "https://arxiv.org/abs/2604.05718"},
    "stops": ["none", "8", "5", "2", "2,5", "2,5,8", "2,4,6,8", "0,2,4,6,8"],
    "first": True,
}
# fmt: on
"""What the page offers, as `app.inspector.section.page_facts` tells it."""


def stand_in(message: str | None, facts: dict = FACTS) -> str:
    """The page at STAND_IN, with its first message. It records `window.events` and `window.uploads`."""
    component = Inspector(message)
    code = CONTRACT.replace("FIRST", json.dumps(component.value)).replace(
        "PAGE", json.dumps(json.dumps(facts))
    )
    code = code.replace("SCRIPT", json.dumps(component.js_on_load)).replace("</", "<\\/")
    return (
        f"<!doctype html><meta charset=utf-8><style>#host {{ {component.css_template} }}</style>"
        f"<body><div id=inspector><div id=host>{component.html_template}</div></div><script>{code}</script>"
    )


def settle(page) -> None:
    """Two frames: what was set has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
