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
window.props = { value: FIRST };
window.send = (value) => { props.value = value; watchers.forEach((act) => act()); };
const trigger = (name, data) => window.events.push([name, data]);
const watch = (names, act) => watchers.push(act);
const run = Function('element', 'trigger', 'props', 'server', 'upload', 'watch', SCRIPT);
run(host, trigger, props, {}, null, watch);
"""


def stand_in(message: str) -> str:
    """The page at STAND_IN, with its first message."""
    component = Inspector(message)
    code = CONTRACT.replace("FIRST", json.dumps(component.value))
    code = code.replace("SCRIPT", json.dumps(component.js_on_load)).replace("</", "<\\/")
    return (
        f"<!doctype html><meta charset=utf-8><style>#host {{ {component.css_template} }}</style>"
        f"<body><div id=inspector><div id=host>{component.html_template}</div></div><script>{code}</script>"
    )


def settle(page) -> None:
    """Two frames: what was set has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
