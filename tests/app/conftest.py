"""The engine of the page's tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

import mpm
from app.engine.engine import Engine


@pytest.fixture(scope="module")
def engine(tiny_config, tmp_path_factory) -> Engine:
    """Twelve very narrow blocks, so that every preset fits."""
    arguments = {**tiny_config.encoder.timm_args, "depth": 12}
    config = replace(tiny_config, encoder=replace(tiny_config.encoder, timm_args=arguments))
    folder = mpm.save_segmenter(mpm.Segmenter(config), tmp_path_factory.mktemp("model") / "tiny12")
    engine = Engine(str(folder), "cpu", threads=1).start()
    assert engine.wait(60)
    return engine
