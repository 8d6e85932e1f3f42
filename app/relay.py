"""A channel to the explorer: an invisible component that hands its value on to the browser's window.

Gradio shows a component only the last of several values that come close together. So every producer of
messages has a channel of its own, and none of them can hide another's message.
"""

from __future__ import annotations

import gradio as gr

SCRIPT = """
const hand_on = () => {
  if (props.value) window.dispatchEvent(new CustomEvent('mpm-message', { detail: props.value }));
};
watch('value', hand_on);
"""


def Relay() -> gr.HTML:
    """Set its value to a message of `app.inspector.payload`."""
    return gr.HTML(html_template="<span></span>", js_on_load=SCRIPT, visible="hidden", padding=False)
