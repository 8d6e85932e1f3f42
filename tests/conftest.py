"""Fixtures shared by all tests: tiny models and pictures, made once."""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import pytest
import torch
from support.chromium import chromium
from support.tiny_vit import TINY_VIT

import mpm
from mpm.merging import rule as registry
from mpm.segmenters.config import DecoderConfig, EncoderConfig


@pytest.fixture(scope="session")
def tiny_config() -> mpm.SegmenterConfig:
    """A segmenter of four narrow blocks with 8-pixel patches: runs in milliseconds."""
    return mpm.SegmenterConfig(
        name="tiny",
        encoder=EncoderConfig("vit_tiny_patch16_224", TINY_VIT),
        decoder=DecoderConfig("mask_transformer", layers=1, heads=2, width=16),
        labels=mpm.STREETS,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        resolution=48,
    )


@pytest.fixture(scope="session")
def tiny(tiny_config) -> mpm.Segmenter:
    torch.manual_seed(0)
    return mpm.Segmenter(tiny_config).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def smooth_image() -> np.ndarray:
    """(60, 90, 3) uint8: a gradient with a soft blob, so that neighbours are alike and tokens merge."""
    y, x = np.mgrid[0:60, 0:90] / 90
    blob = np.exp(-((x - 0.6) ** 2 + (y - 0.3) ** 2) * 12)
    return np.stack([255 * x, 255 * y, 255 * blob], axis=2).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium for one file of tests."""
    with chromium() as running:
        yield running


@pytest.fixture
def no_rule_stays(monkeypatch):
    """Rules that a test registers are gone after it."""
    mpm.rules()
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))
