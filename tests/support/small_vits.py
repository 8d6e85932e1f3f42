"""A tiny timm ViT for the encoders' tests, its pixels, and what every option promises about batches."""

from __future__ import annotations

import torch

import mpm

TINY = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 4, "num_heads": 2, "num_classes": 5}


def pixels(batch=1, seed=1):
    return torch.randn(batch, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def check_alone_in_batches_and_padded(segmenter, options):
    """Logits are the same alone, in any batch, and in a ragged state, as an accelerator runs it."""
    x = torch.randn(8, 3, 32, 48, generator=torch.Generator().manual_seed(3))
    recipe = mpm.Recipe.parse(f"0,2|{options}")
    together = segmenter.logits(x, recipe)
    for image in range(8):
        assert torch.equal(segmenter.logits(x[image : image + 1], recipe)[0], together[image])
    ragged = segmenter.run(segmenter.runner.embed(x), recipe)
    assert ragged.states[0].is_ragged
    assert torch.allclose(ragged.logits, together, atol=1e-4)
