"""Command line of the page: arguments -> engine and page."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from app.engine import zerogpu
from app.examples import EXAMPLES
from app.server.health import Health, engine_status
from app.server.limits import MAX_AGE_S, Limits, UploadFolder
from app.server.log import configure_logging
from app.server.serving import Site, compression, keep_memory_together
from mpm.errors import InputError
from mpm.merging.rule import load_rules
from mpm.runtimes import check_runtime
from mpm.system import check_opencv

if TYPE_CHECKING:
    from app.engine.engine import Engine

MAX_WAITING = 32
"""People in the queue; the next one is told that it is full."""
MAX_THREADS = 100
"""Whoever waits for the device waits in a thread; one piece of work runs at a time all the same."""
MAX_SESSIONS = 1000
"""Tabs whose state is remembered; a state is a schedule's name."""


AUTO, AUTO_PICTURES = "auto", 6
"""Of as many pictures the first tells whether the masks are the same, the others how long they take."""


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python app.py", description="See and measure token merging.")
    parser.add_argument(
        "--model", default="streets-vit-tiny", help="a bundled model's name or a checkpoint folder"
    )
    parser.add_argument(
        "--models",
        nargs="*",
        metavar="NAME",
        help="further models on offer (default: all of `python -m mpm models`, on a Space those at hand)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    parser.add_argument(
        "--runtime",
        default="torch",
        help="what runs the blocks: torch, onnxruntime or openvino, all but torch on the CPU; auto takes the "
        "fastest that is installed and gives the same masks, once it is measured after the start",
    )
    parser.add_argument(
        "--number-format", help="that they are computed in: float32, bfloat16, float16 or int8"
    )
    parser.add_argument("--threads", type=_positive(int), help="CPU threads (default: physical cores)")
    parser.add_argument(
        "--host", help="address to listen on, e.g. 0.0.0.0 (default: Gradio's, this machine only)"
    )
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument(
        "--keep-uploads",
        type=_positive(float),
        default=MAX_AGE_S / 60,
        metavar="MINUTES",
        help="delete uploaded pictures and results after so long (default: %(default).0f)",
    )
    parser.add_argument(
        "--rules",
        type=Path,
        action="append",
        metavar="FILE",
        help="a Python file of your own that registers merging rules; it is run; may be given again",
    )
    parser.add_argument("--verbose", action="store_true", help="log more")
    return parser.parse_args(arguments)


def prepare(options: argparse.Namespace) -> Site:
    """The page, ready to be served; the model loads in the background meanwhile."""
    configure_logging(options.verbose)
    keep_memory_together()
    zerogpu.prepare()
    try:
        check_opencv()
        _check_runtime(options)
        for path in options.rules or ():
            load_rules(path)
    except InputError as error:
        sys.exit(f"app.py: {error}")
    uploads = UploadFolder.prepare(Limits(age_s=options.keep_uploads * 60))
    from app.engine.models import Models, Shelf
    from app.ui import build_page, launch_options

    models = Models(
        options.model,
        _device_of(options),
        options.threads,
        Shelf(options.models, downloads=options.models is not None or "SPACE_ID" not in os.environ),
        runtime=("torch" if options.runtime == AUTO else options.runtime, options.number_format),
    )
    page = build_page(models)
    page.queue(max_size=MAX_WAITING)
    health = Health(Path(options.model).name, lambda: engine_status(models.own), lambda: len(page._queue))
    # Only now: beside the imports above the loading thread would fight for the interpreter.
    models.start()
    if options.runtime == AUTO:
        Thread(target=_choose_runtime, args=(models.own,), name="runtime-auto", daemon=True).start()
    serving = {
        "server_name": options.host,
        "server_port": options.port,
        "app_kwargs": {"routes": [health.route()], "middleware": [compression()]},
        "state_session_capacity": MAX_SESSIONS,
        "max_threads": MAX_THREADS,
        "ssr_mode": False,  # a Node server in front costs memory and start-up time, and brings nothing here
    }
    return Site(page, {**launch_options(), **serving}, health, uploads)


def _check_runtime(options: argparse.Namespace) -> None:
    if options.runtime != AUTO:
        check_runtime(options.runtime, options.number_format)
    elif options.number_format:
        raise InputError("--runtime auto chooses the number format as well: leave out --number-format")


def _choose_runtime(engine: Engine) -> None:
    """Only once the model is loaded: the page is ready no later for it."""
    from app.engine.fastest import take_fastest

    engine.wait()
    take_fastest(engine, [example.rgb() for example in EXAMPLES[:AUTO_PICTURES]])


def _device_of(options: argparse.Namespace) -> str:
    """Runtimes besides torch are on the CPU; where there is a choice, a GPU comes first."""
    anywhere = options.device == "auto" and options.runtime not in ("torch", AUTO)
    return "cpu" if anywhere else zerogpu.main_device(options.device)


def _positive(number: type) -> Callable[[str], Any]:
    """A parser of positive numbers, for argparse."""

    def positive(text: str):
        value = number(text)
        if value <= 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    positive.__name__ = number.__name__  # argparse names it in its message
    return positive
