"""How events travel: settings of Gradio's listeners, and what the browser adds to them.

Gradio's queue only carries: who runs next is decided by the engine's scheduler, so no event has a limit.
"""

from __future__ import annotations

# "multiple": the browser keeps every event, even while an earlier one runs.
QUIET = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple"}
WORK = {**QUIET, "concurrency_limit": None}
"""For events that run a model."""
AT_ONCE = {**QUIET, "queue": False}

WISH_FIRST_JS = "(...inputs) => [window.mpmWish(), ...inputs.slice(1)]"
"""Puts the JSON text of what the tab shows in the place of the first input."""
ACT_RACE_JS = "(...inputs) => [...inputs.slice(0, -1), window.mpmWish('race')]"
"""In the place of the last input, after an act that starts or stops a race."""
