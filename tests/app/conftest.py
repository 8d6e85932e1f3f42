"""The engine of the page's tests, and handlers over it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.stub_engine import StubEngine

import mpm
from app.engine import engine as engine_module
from app.engine.engine import Engine
from app.engine.models import Models
from app.engine.pictures import Examples, Picture, Pictures
from app.examples import EXAMPLES
from app.inspector import handlers as handlers_module
from app.inspector.handlers import Handlers
from mpm.segmenters import sweep as library


def twelve_blocks(config: mpm.SegmenterConfig) -> mpm.SegmenterConfig:
    """So that every preset fits."""
    arguments = {**config.encoder.timm_args, "depth": 12}
    return replace(config, encoder=replace(config.encoder, timm_args=arguments))


@pytest.fixture(scope="module")
def engine(tiny_config, tmp_path_factory) -> Engine:
    """Twelve very narrow blocks, so that every preset fits."""
    segmenter = mpm.Segmenter(twelve_blocks(tiny_config))
    folder = mpm.save_segmenter(segmenter, tmp_path_factory.mktemp("model") / "tiny12")
    engine = Engine(str(folder), "cpu", threads=1).start()
    assert engine.wait(60)
    return engine


@pytest.fixture
def fresh(engine) -> StubEngine:
    """The same model in an engine that has run nothing."""
    return StubEngine(engine.segmenter, engine.model)


@pytest.fixture
def picture(smooth_image) -> Picture:
    return Picture.of(smooth_image)


@pytest.fixture
def on(fresh, picture) -> Handlers:
    """The explorer's handlers, to whom the picture is known."""
    pictures = Pictures()
    pictures.add(picture)
    return Handlers(Models.of(fresh), pictures, Examples(EXAMPLES, pictures))


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """Recipes of the sweeps' runs that were made, one by one."""
    made, plain = [], library.sweep

    def spy(segmenter, rgb, recipes, **options) -> Iterator:
        for run in plain(segmenter, rgb, recipes, **options):
            made.append(str(run.recipe))
            yield run

    monkeypatch.setattr(library, "sweep", spy)
    return made


@pytest.fixture
def uploads(monkeypatch, tmp_path):
    """The folder that visitors' files arrive in."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    return tmp_path / "uploads"


@pytest.fixture
def soon(monkeypatch) -> None:
    """Who waits hears of it at once."""
    monkeypatch.setattr(engine_module, "SAY_EVERY_S", 0.005)
    monkeypatch.setattr(handlers_module, "LOOK_EVERY_S", 0.005)
