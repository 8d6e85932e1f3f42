"""Pages to open: the inspector alone, the inspector in Gradio, the whole page."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.chromium import PATIENCE_MS
from support.inspector_browser import MESSAGES, build, own
from support.inspector_page import HANDLE, STAND_IN, settle, stand_in
from support.page_process import ROOT, PageProcess
from support.published_files import VIT, mask_tensors, vit_tensors, write_segmenter
from support.whole_page import PUBLISHED
from support.whole_page import open_page as open_whole_page


@pytest.fixture(scope="module")
def gradio_url():
    page = build()
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield address
    page.close()


@pytest.fixture(scope="module")
def stand_in_html() -> str:
    return stand_in(MESSAGES["first"]())


@pytest.fixture
def open_page(browser, stand_in_html):
    """Opens a page in a context of its own; every error on it and every foreign request is a failure."""
    contexts, troubles = [], []

    def open_one(link: str = "", width: int = 1440, height: int = 1000, url: str = STAND_IN, **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        contexts[-1].route(
            STAND_IN, lambda route: route.fulfill(body=stand_in_html, content_type="text/html")
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda line: troubles.append(line.text) if "inspector:" in line.text else None)
        page.on("request", lambda asked: None if own(asked.url, url) else troubles.append(asked.url))
        page.goto(url + link)
        page.wait_for_function(f"{HANDLE}?.state.shown")
        settle(page)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture(scope="package")
def cache(tmp_path_factory) -> Path:
    """A cache of models with one in its published format, narrow and of random weights."""
    folder = tmp_path_factory.mktemp("cache")
    variant = {**VIT, "size": 128, "stride": 96, "depth": 12}
    encoder = vit_tensors(variant["width"], 12, 16, (128 // 16) ** 2)
    write_segmenter(folder / PUBLISHED, encoder, mask_tensors(variant["width"], 2, 150), **variant)
    return folder


@pytest.fixture(scope="package")
def server(tmp_path_factory, cache):
    """The page, served by `python app.py` with the bundled model."""
    offline = {"MPM_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}  # no test downloads a model
    with PageProcess(tmp_path_factory.mktemp("page"), variables=offline) as running:
        running.wait_ready()
        yield running
        # Gradio 6.31 may log a KeyError of its own when a run that just ended is cancelled.
        assert f'File "{ROOT}' not in running.log, running.log


@pytest.fixture(scope="package")
def url(server) -> str:
    return server.url


@pytest.fixture
def page(browser, url):
    """A fresh visitor; errors of the page and foreign requests fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    visitor = open_whole_page(context, url)
    yield visitor
    assert visitor.complaints == []
    assert [asked for asked in visitor.foreign if not own(asked, url)] == []
    context.close()
