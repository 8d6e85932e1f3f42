"""The sliding window against a slow reference that holds every score of every pixel at full size."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import mpm
from mpm.segmenters.config import SlidingConfig
from mpm.segmenters.sliding import best_classes, segment_sliding, windows

PATCH_PX = 8


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """(70, 130, 3) uint8: smooth, so that tokens merge, with some noise, so that no two scores are equal."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 255, (7, 13, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (130, 70), interpolation=cv2.INTER_CUBIC).astype(int)
    return (smooth + rng.integers(-9, 9, smooth.shape)).clip(0, 255).astype(np.uint8)


def model(config: mpm.SegmenterConfig, sliding: SlidingConfig | None, **changes) -> mpm.Segmenter:
    torch.manual_seed(0)
    return mpm.Segmenter(replace(config, sliding=sliding, **changes)).eval().requires_grad_(False)


def reference_scores(segmenter: mpm.Segmenter, image: np.ndarray, schedule: str) -> torch.Tensor:
    """(K, H, W) softmax at the image's own size, step by step as the published protocol is written."""
    sliding = segmenter.config.sliding
    height, width = image.shape[:2]
    scale = min(
        sliding.resize_px / min(height, width), sliding.max_aspect * sliding.resize_px / max(height, width)
    )
    size = int(width * scale + 0.5), int(height * scale + 0.5)
    resized = torch.from_numpy(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)).permute(2, 0, 1)
    pixels = (resized.float() / 255 - 0.5)[None] / 0.5
    short = min(pixels.shape[2:])
    if sliding.fills_window and short < sliding.window_px:
        size = [int(side / short * sliding.window_px) for side in pixels.shape[2:]]
        pixels = F.interpolate(pixels, size, mode="bilinear", align_corners=False)
    total = torch.zeros(1, len(segmenter.class_names), *pixels.shape[2:])
    times = torch.zeros(1, 1, *pixels.shape[2:])
    side, stride = sliding.window_px, sliding.stride_px
    for row in range(math.ceil(max(pixels.shape[2] - side, 0) / stride) + 1):
        for col in range(math.ceil(max(pixels.shape[3] - side, 0) / stride) + 1):
            bottom = min(row * stride + side, pixels.shape[2])
            right = min(col * stride + side, pixels.shape[3])
            place = (..., slice(max(bottom - side, 0), bottom), slice(max(right - side, 0), right))
            total[place] += reference_window(segmenter, pixels[place], schedule)
            times[place] += 1
    full = F.interpolate(total / times, (height, width), mode="bilinear", align_corners=False)
    return full.softmax(1)[0]


def reference_window(segmenter: mpm.Segmenter, window: torch.Tensor, schedule: str) -> torch.Tensor:
    height, width = window.shape[2:]
    spare_h, spare_w = -height % PATCH_PX, -width % PATCH_PX
    centred = segmenter.config.padding == "centred"
    top, left = (spare_h // 2, spare_w // 2) if centred else (0, 0)
    padded = F.pad(window, (left, spare_w - left, top, spare_h - top))
    logits = segmenter.logits(padded, schedule)
    if segmenter.config.sliding.stretches_padding:
        return F.interpolate(logits, (height, width), mode="bilinear", align_corners=False)
    scores = F.interpolate(logits, padded.shape[2:], mode="bilinear", align_corners=False)
    return scores[..., top : top + height, left : left + width]


def assert_best(labels: np.ndarray, scores: torch.Tensor) -> None:
    """Labels are the argmax of the scores, wherever the scores are further apart than rounding."""
    first, second = scores.topk(2, dim=0).values
    clear = (first - second > 1e-5).numpy()
    assert clear.mean() > 0.99 and labels.shape == scores.shape[1:]
    assert np.array_equal(labels[clear], scores.argmax(0).numpy()[clear])
    assert len(np.unique(labels)) > 2, "a picture of one class would prove little"


WHOLE_PATCHES = SlidingConfig(resize_px=48, window_px=48, stride_px=32)
RAGGED = SlidingConfig(resize_px=61, window_px=37, stride_px=20)
LARGE_WINDOW = SlidingConfig(resize_px=40, window_px=64, stride_px=64)


@pytest.mark.parametrize("schedule", ["none", "1,2"])
@pytest.mark.parametrize(
    ("sliding", "padding"),
    [
        (WHOLE_PATCHES, "right_bottom"),
        (RAGGED, "right_bottom"),
        (RAGGED, "centred"),
        (replace(RAGGED, stretches_padding=True), "centred"),
        (replace(RAGGED, stretches_padding=True), "right_bottom"),
        (LARGE_WINDOW, "right_bottom"),
        (replace(LARGE_WINDOW, fills_window=True), "right_bottom"),
        (replace(WHOLE_PATCHES, max_aspect=1.5, fills_window=True), "right_bottom"),
    ],
)
def test_equals_the_slow_reference(tiny_config, photo, sliding, padding, schedule):
    segmenter = model(tiny_config, sliding, padding=padding)
    run = segment_sliding(segmenter, photo, schedule)
    assert run.labels.dtype == np.uint8
    assert_best(run.labels, reference_scores(segmenter, photo, schedule))


def test_an_upright_image_and_pil(tiny_config, photo):
    segmenter = model(tiny_config, RAGGED)
    upright = np.ascontiguousarray(photo.transpose(1, 0, 2))
    run = segment_sliding(segmenter, Image.fromarray(upright), "2")
    assert_best(run.labels, reference_scores(segmenter, upright, "2"))


def test_tokens_are_those_of_all_windows_together(tiny_config, photo):
    segmenter = model(tiny_config, RAGGED)
    run = segment_sliding(segmenter, photo, "1,2")
    patches, counts = math.ceil(37 / PATCH_PX) ** 2, run.token_counts
    assert counts[0] == patches * len(run.windows)
    assert len(counts) == 3 and counts[0] > counts[1] > counts[2] >= counts[0] / 4
    first = segment_sliding(model(tiny_config, replace(RAGGED, resize_px=37)), photo[:37, :37], "1,2")
    assert len(first.windows) == 1 and first.token_counts[0] == patches


def test_where_windows_overlap_both_count(tiny_config, photo):
    """By hand: every window has constant scores, and a pixel in two of them has the mean of both."""
    segmenter = model(tiny_config, SlidingConfig(resize_px=16, window_px=16, stride_px=8))
    image = cv2.resize(photo, (24, 16))
    votes = iter([(4.0, 0.0, 1.0), (0.0, 3.0, 1.0)])

    class Constant(torch.nn.Module):
        def forward(self, tokens, log_sizes=None):
            return torch.tensor(next(votes)).expand(*tokens.shape[:2], 3)

    segmenter.decoder = Constant()
    three = mpm.LabelSet("three", ("a", "b", "c"), np.zeros((3, 3), np.uint8))
    segmenter.config = replace(segmenter.config, labels=three)
    run = segment_sliding(segmenter, image, "none")
    assert run.windows == ((0, 0, 16, 16), (8, 0, 24, 16))
    # Left: (4, 0, 1). Middle: (2, 1.5, 1). Right: (0, 3, 1).
    assert (run.labels[:, :16] == 0).all() and (run.labels[:, 16:] == 1).all()


def test_windows_of_published_shapes():
    ade20k = SlidingConfig(resize_px=512, window_px=512, stride_px=512)
    assert windows((683, 512), ade20k) == [(0, 0, 512, 512), (171, 0, 683, 512)]
    assert windows((512, 512), ade20k) == [(0, 0, 512, 512)]
    cityscapes = windows((2048, 1024), SlidingConfig(resize_px=1024, window_px=768, stride_px=512))
    assert [box[:2] for box in cityscapes] == [
        (left, top) for top in (0, 256) for left in (0, 512, 1024, 1280)
    ]
    assert all((right - left, bottom - top) == (768, 768) for left, top, right, bottom in cityscapes)


@pytest.mark.parametrize("size", [(37, 37), (38, 37), (57, 40), (300, 61), (20, 90)])
def test_windows_cover_every_pixel_and_end_flush(size):
    width, height = size
    cover = np.zeros((height, width), int)
    boxes = windows(size, RAGGED)
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
        cover[top:bottom, left:right] += 1
    assert cover.min() >= 1 and len(set(boxes)) == len(boxes)
    assert max(box[2] for box in boxes) == width and max(box[3] for box in boxes) == height


def test_a_very_long_image_is_scaled_down(tiny_config):
    segmenter = model(tiny_config, WHOLE_PATCHES)
    strip = np.random.default_rng(0).integers(0, 255, (4, 400, 3), dtype=np.uint8)
    run = segment_sliding(segmenter, strip, "none")
    assert run.labels.shape == (4, 400)
    assert run.windows[-1][2:] == (8 * 48, 4), "eight short sides, aspect kept"
    shorter = model(tiny_config, replace(WHOLE_PATCHES, max_aspect=4))
    assert segment_sliding(shorter, strip, "none").windows[-1][2:] == (4 * 48, 2)


def wide_picture(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)


def test_a_very_wide_picture_is_scaled_up_to_the_window_again(tiny_config):
    """By hand, 201 x 33 in windows of 64: 201 * 256/201 = 256 and 33 * 256/201 = 42.03 -> 256 x 42, then
    256 / 42 * 64 = 390.1 -> 390 x 64. Windows begin at 0, 48, ..., 288, and the last at 390 - 64 = 326."""
    sliding = SlidingConfig(64, 64, 48, max_aspect=4)
    kept = segment_sliding(model(tiny_config, sliding), wide_picture(201, 33), "none")
    assert [box[::2] for box in kept.windows] == [(x, x + 64) for x in (0, 48, 96, 144, 192)]
    assert {box[1::2] for box in kept.windows} == {(0, 42)}
    filling = model(tiny_config, replace(sliding, fills_window=True))
    run = segment_sliding(filling, wide_picture(201, 33), "none")
    assert run.windows == tuple((x, 0, x + 64, 64) for x in (0, 48, 96, 144, 192, 240, 288, 326))
    assert run.labels.shape == (33, 201)
    upright = segment_sliding(filling, wide_picture(33, 201), "none")
    assert upright.windows == tuple((top, left, bottom, right) for left, top, right, bottom in run.windows)


def test_a_picture_within_the_aspect_is_not_scaled_twice(tiny_config):
    filling = model(tiny_config, SlidingConfig(64, 64, 48, max_aspect=4, fills_window=True))
    assert segment_sliding(filling, wide_picture(128, 64), "none").windows[-1] == (64, 0, 128, 64)
    assert segment_sliding(filling, wide_picture(9, 9), "none").windows == ((0, 0, 64, 64),)


def test_a_picture_too_long_to_hold_its_scores_is_refused(tiny_config):
    """4000 x 1: at most 256 x 1, filled up to 16384 x 64, which 2000 classes cannot have."""
    many = mpm.LabelSet("many", ("a",) * 2000, np.zeros((2000, 3), np.uint8))
    filling = model(tiny_config, SlidingConfig(64, 64, 48, max_aspect=4, fills_window=True), labels=many)
    with pytest.raises(mpm.InputError, match="An image of 4000 x 1 .* at 16384 x 64 pixels, whose 2000 "):
        segment_sliding(filling, wide_picture(4000, 1), "none")


@pytest.mark.parametrize(("stretches", "border_px"), [(False, 8), (True, 6)])
def test_padding_is_cut_away_or_stretched(tiny_config, stretches, border_px):
    """By hand: 12 pixels are two patches of 8, the first of class a, the second not. Class b ties in the
    middle between the patches' centres: at 8 pixels, or at 6 where 16 pixels are stretched onto 12."""

    class Columns(torch.nn.Module):
        def forward(self, tokens, log_sizes=None):
            a = torch.tensor([1.0, 0.0]).repeat(tokens.shape[1] // 2)
            return torch.stack([a, torch.full_like(a, 0.5)], 1)[None]

    two = mpm.LabelSet("two", ("a", "b"), np.zeros((2, 3), np.uint8))
    segmenter = model(tiny_config, SlidingConfig(12, 12, 12, stretches_padding=stretches))
    segmenter.decoder, segmenter.config = Columns(), replace(segmenter.config, labels=two)
    labels = segment_sliding(segmenter, wide_picture(12, 12), "none").labels
    assert (labels[:, :border_px] == 0).all() and (labels[:, border_px:] == 1).all()


@pytest.mark.parametrize("size", [(70, 130), (35, 41), (48, 90)])
def test_best_classes_are_those_of_the_full_stack(size):
    scores = torch.randn(7, 35, 65, generator=torch.Generator().manual_seed(0))
    full = F.interpolate(scores[None], size, mode="bilinear", align_corners=False)[0]
    assert_best(best_classes(scores, size).numpy(), full)


def test_the_first_of_equal_classes_wins_and_many_classes_fit():
    assert best_classes(torch.zeros(3, 4, 4), (8, 8)).max() == 0
    scores = torch.zeros(300, 2, 2)
    scores[299] = 1
    assert (best_classes(scores, (5, 5)) == 299).all()


def test_refusals(tiny, tiny_config, photo):
    with pytest.raises(mpm.InputError, match="The model tiny has no sliding window"):
        segment_sliding(tiny, photo)
    segmenter = model(tiny_config, WHOLE_PATCHES)
    with pytest.raises(mpm.InputError, match="0 to 3"):
        segment_sliding(segmenter, photo, "9")
    with pytest.raises(mpm.InputError, match="uint8 RGB"):
        segment_sliding(segmenter, photo[..., 0], "none")
