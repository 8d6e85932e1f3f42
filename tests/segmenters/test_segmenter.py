"""The whole segmenter on pictures of every shape, against the steps written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import mpm
from mpm.segmenters.config import DecoderConfig


def test_empty_schedule_is_the_plain_model_bit_for_bit(tiny, smooth_image):
    pixels, _ = tiny.preprocess(smooth_image)
    with torch.inference_mode():
        tokens = tiny.runner.embed(pixels).tokens
        tokens = tiny.encoder.norm(tiny.encoder.blocks(tokens))
        rows, cols = pixels.shape[2] // 8, pixels.shape[3] // 8
        expected = tiny.decoder(tokens[:, 1:]).transpose(1, 2).reshape(1, 11, rows, cols)
    assert torch.equal(tiny.logits(pixels, "none"), expected)
    assert np.array_equal(tiny.segment(smooth_image, "none").logits, expected[0].numpy())


@pytest.mark.parametrize("shape", [(60, 90), (90, 60), (64, 64), (1, 1), (7, 300), (300, 7), (49, 50)])
@pytest.mark.parametrize("schedule", ["none", "1,3"])
def test_labels_have_the_picture_own_size(tiny, shape, schedule):
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    run = tiny.segment(picture, schedule, max_patches=512)
    assert run.labels.shape == shape and run.labels.dtype == np.uint8
    assert run.labels.max() < 11
    assert run.trace.token_counts[0] == run.grid.size <= 512
    assert run.grid.box(run.grid.size - 1)[2:] == (shape[1], shape[0])


def test_labels_are_upsampled_logits(tiny):
    # 48 x 80 needs neither resizing nor padding: the definition is one F.interpolate.
    picture = np.random.default_rng(1).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    run = tiny.segment(picture, "1")
    full = F.interpolate(torch.from_numpy(run.logits)[None], (48, 80), mode="bilinear").argmax(1)[0]
    assert (run.labels == full.numpy()).mean() > 0.999


def test_padding_is_cropped_away(tiny):
    # 44 rows pad to 48: labels are those of the padded picture, cut.
    picture = np.random.default_rng(2).integers(0, 256, (44, 80, 3), dtype=np.uint8)
    run = tiny.segment(picture, "none", resolution=44)
    full = F.interpolate(torch.from_numpy(run.logits)[None], (48, 80), mode="bilinear").argmax(1)[0]
    assert (run.labels == full[:44].numpy()).mean() > 0.999


def test_centred_padding_lies_around_the_picture(tiny, tiny_config):
    centred = mpm.Segmenter(replace(tiny_config, padding="centred")).eval().requires_grad_(False)
    centred.load_state_dict(tiny.state_dict())
    image = np.random.default_rng(3).integers(0, 256, (45, 59, 3), dtype=np.uint8)
    run = centred.segment(image, "none", resolution=45)
    assert run.grid.content_xy_px == (2, 1)
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
    by_hand = F.pad(pixels, (2, 3, 1, 2))
    logits = tiny.logits(by_hand)
    torch.testing.assert_close(torch.from_numpy(run.logits)[None], logits)
    torch.testing.assert_close(centred.logits(pixels), logits)
    whole = F.interpolate(logits, scale_factor=8, mode="bilinear", align_corners=False)
    assert np.array_equal(run.labels, whole[..., 1:46, 2:61].argmax(1)[0].numpy())


def test_batches_equal_images_alone(tiny):
    pixels = torch.randn(3, 3, 40, 61, generator=torch.Generator().manual_seed(0))
    for schedule in ("1,3", (0, 1, 2, 3)):
        together = tiny.logits(pixels, schedule)
        assert together.shape == (3, 11, 5, 8)
        for image in range(3):
            assert torch.equal(tiny.logits(pixels[image : image + 1], schedule)[0], together[image])


def test_pil_and_array_agree(tiny, smooth_image):
    first, second = (tiny.segment(image, "1") for image in (smooth_image, Image.fromarray(smooth_image)))
    assert np.array_equal(first.labels, second.labels)


def test_profile_times_every_part(tiny, smooth_image):
    timing = tiny.segment(smooth_image, "1,2", profile=True).timing
    assert set(timing.parts) == set(mpm.clock.PARTS)
    assert 0 < sum(timing.parts.values()) <= timing.total
    assert tiny.segment(smooth_image, "1,2").timing.parts == {}


def test_the_result_says_when_the_picture_was_scaled_down(tiny, smooth_image):
    assert tiny.segment(smooth_image, "1").notes == ()
    small = tiny.segment(smooth_image, "1", max_patches=20)
    assert small.grid.size <= 20 and "scaled down" in small.notes[0]
    sliver = tiny.segment(np.zeros((1, 500, 3), np.uint8), "1", max_patches=200)
    width, height = sliver.geometry.content_wh_px
    assert (width, height) > (500, 1) and f"scaled up to {width} x {height} pixels" in sliver.notes[0]


def test_a_tiny_picture_says_what_it_is(tiny):
    notes = tiny.segment(np.zeros((15, 20, 3), np.uint8), "none").notes
    assert len(notes) == 1 and notes[0].startswith("This image has only 20 x 15 pixels: it was enlarged to ")
    assert tiny.segment(np.zeros((32, 40, 3), np.uint8), "none").notes == ()


def test_linear_decoder_and_other_types(tiny_config, smooth_image):
    linear = mpm.Segmenter(replace(tiny_config, decoder=DecoderConfig("linear"))).eval()
    assert linear.segment(smooth_image, "1").labels.shape == (60, 90)
    half = mpm.Segmenter(tiny_config).eval().to(torch.bfloat16)
    run = half.segment(smooth_image, "1,2")
    assert run.logits.dtype == np.float32 and run.labels.shape == (60, 90)


def test_the_control_keeps_as_many_tokens_at_its_first_insertion(tiny, smooth_image):
    mutual = tiny.segment(smooth_image, "1")
    control = tiny.segment(smooth_image, "1", merger=mpm.random_pairs)
    assert mutual.trace.token_counts == control.trace.token_counts
    assert not np.array_equal(mutual.trace.groups(1), control.trace.groups(1))


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("photo.jpg", "uint8 RGB"),
        (np.zeros((4, 4), np.uint8), "uint8 RGB"),
        (np.zeros((4, 4, 3)), "float64"),
        (np.zeros((0, 4, 3), np.uint8), "at least one pixel"),
    ],
)
def test_bad_pictures_are_refused(tiny, image, words):
    with pytest.raises(mpm.InputError, match=words):
        tiny.segment(image, "1")


def test_bad_arguments_are_refused(tiny, smooth_image):
    with pytest.raises(mpm.InputError, match="0 to 3"):
        tiny.segment(smooth_image, "2,5")
    with pytest.raises(mpm.InputError, match="Resolution"):
        tiny.segment(smooth_image, "1", resolution=0)


def test_two_threads_on_one_model_do_not_disturb_each_other(tiny):
    from concurrent.futures import ThreadPoolExecutor

    rng = np.random.default_rng(5)
    pictures = [rng.integers(0, 256, (50, 60 + i, 3), dtype=np.uint8) for i in range(6)]
    alone = [tiny.segment(picture, "0,2") for picture in pictures]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda picture: tiny.segment(picture, "0,2"), pictures))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.labels, other.labels)
        assert np.array_equal(one.trace.groups(2), other.trace.groups(2))


def test_in_training_a_head_with_batch_normalisation_sees_the_whole_batch(tiny_config):
    config = replace(tiny_config, decoder=DecoderConfig("batchnorm_linear"))
    torch.manual_seed(0)
    pixels = torch.randn(4, 3, 32, 48)
    means = []
    for recipe in ("none", "1"):
        torch.manual_seed(1)
        segmenter = mpm.Segmenter(config).train()
        segmenter(pixels, recipe)
        assert int(segmenter.decoder.bn.num_batches_tracked) == 1
        means.append(segmenter.decoder.bn.running_mean.clone())
    assert torch.allclose(means[0], means[1], atol=0.02), "one step of the mean, over all images"
