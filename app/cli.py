"""Command line of the page: arguments -> engine and page."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from mpm.errors import InputError
from mpm.system import check_opencv


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python app.py", description="See and measure token merging.")
    parser.add_argument(
        "--model", default="streets-vit-tiny", help="a bundled model's name or a checkpoint folder"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    parser.add_argument("--threads", type=int, help="CPU threads (default: physical cores)")
    parser.add_argument(
        "--host", help="address to listen on, e.g. 0.0.0.0 (default: Gradio's, this machine only)"
    )
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--verbose", action="store_true", help="log more")
    return parser.parse_args(arguments)


def prepare(options: argparse.Namespace):
    """The page and its launch options; the model loads in the background meanwhile."""
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO, format="%(name)s: %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        check_opencv()
    except InputError as error:
        sys.exit(f"app.py: {error}")
    from app.engine import Engine
    from app.ui import build_page, launch_options

    engine = Engine(options.model, options.device, options.threads)
    page = build_page(engine)
    page.queue(max_size=32)
    # Only now: beside the imports above the loading thread would fight for the interpreter.
    engine.start()
    return page, {**launch_options(), "server_name": options.host, "server_port": options.port}
