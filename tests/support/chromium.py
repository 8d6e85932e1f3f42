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
NO_CAMERA = (FAKE_CAMERA[0], f"{FAKE_CAMERA[1]}=deny")
"""The same for somebody who says no to the browser's question."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 120_000
"""How long a page may take to get somewhere: none of these tests is about speed, and machines are busy."""


def installed() -> str | None:
    """Where it is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def beside(browser, extra: tuple[str, ...]) -> Iterator:
    """Another browser next to one that runs, with flags of its own."""
    other = browser.browser_type.launch(executable_path=installed(), args=[*FLAGS, *extra])
    try:
        yield other
    finally:
        other.close()


@contextmanager
def chromium(extra: tuple[str, ...] = ()) -> Iterator:
    """A running browser. Where there is none: a failure under CI=true, else the test is skipped.

    extra: flags besides the usual ones.
    """
    path = installed()
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
