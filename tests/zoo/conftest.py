"""A fake hub, and a model in our own format to put there."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.fake_hub import running_hub

import mpm


@pytest.fixture(scope="session")
def folder_of_tiny(tiny, tmp_path_factory) -> Path:
    return mpm.save_segmenter(tiny, tmp_path_factory.mktemp("ours") / "tiny")


@pytest.fixture
def fake(monkeypatch, tmp_path):
    with running_hub(monkeypatch, tmp_path) as one:
        yield one
