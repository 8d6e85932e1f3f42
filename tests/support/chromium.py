"""A headless Chromium for the tests: Debian's, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""A moving test picture as the camera, and nobody is asked."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 120_000
"""How long a page may take to get somewhere: none of these tests is about speed, and machines are busy."""


@contextmanager
def chromium(extra: tuple[str, ...] = ()) -> Iterator:
    """A running browser. Where there is none: a failure under CI=true, else the test is skipped.

    extra: flags besides the usual ones.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("these tests need Chromium (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *extra])
        try:
            yield browser
        finally:
            browser.close()
