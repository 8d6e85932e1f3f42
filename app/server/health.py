"""The health endpoint: `/health` answers 200 once the model is ready, else 503.

Its body is like {"status": "ok", "model": "streets-vit-tiny", "uptime_s": 12.3, "queue": 0}.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from mpm.errors import InputError

PATH = "/health"


@dataclass
class Health:
    """What the endpoint tells. status: "ok", "loading", "failed" or "stopping"; queue: people waiting."""

    model: str
    status: Callable[[], str]
    queue: Callable[[], int]
    stopping: bool = False
    started: float = field(default_factory=time.monotonic)

    def answer(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the body: no path, no address, nothing of a visitor."""
        status = "stopping" if self.stopping else self.status()
        body = {
            "status": status,
            "model": self.model,
            "uptime_s": round(time.monotonic() - self.started, 1),
            "queue": self.queue(),
        }
        return 200 if status == "ok" else 503, body

    def route(self):
        """A route for `launch(app_kwargs={"routes": [...]})`: it then stands before Gradio's own."""
        from starlette.responses import JSONResponse
        from starlette.routing import Route

        async def health(_request) -> JSONResponse:
            code, body = self.answer()
            return JSONResponse(body, code, headers={"Cache-Control": "no-store"})

        return Route(PATH, health, methods=["GET"])


class Loading(Protocol):
    """What loads a model; see `app.engine.engine.Engine`."""

    def wait(self, timeout_s: float | None = None) -> bool: ...

    @property
    def segmenter(self) -> Any: ...


def engine_status(engine: Loading) -> str:
    """ "loading", "ok" or "failed", at once."""
    if not engine.wait(0):
        return "loading"
    try:
        _ = engine.segmenter
    except InputError:
        return "failed"
    return "ok"


def main() -> int:
    """Ask the page on this machine, as a container's health check does: exit status 0 when it is well."""
    port = os.environ.get("GRADIO_SERVER_PORT", "7860")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{PATH}", timeout=4) as response:
            print(response.read().decode())
        return 0
    except urllib.error.HTTPError as error:
        print(error.read().decode())
    except OSError as error:
        print(error)
    return 1


if __name__ == "__main__":
    sys.exit(main())
