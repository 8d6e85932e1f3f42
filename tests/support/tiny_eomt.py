"""A tiny EoMT as transformers builds and saves it: the oracle, and the files that we read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import EomtConfig, EomtForUniversalSegmentation, EomtImageProcessor

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 5,
    "num_attention_heads": 2,
    "patch_size": 16,
    "num_blocks": 2,
    "num_queries": 12,
    "num_labels": 6,
}

APART = 3.0


def lively_eomt(side_px: int = 64, seed: int = 0, **sizes) -> EomtForUniversalSegmentation:
    """Random weights that make queries disagree and be sure of themselves, as a trained model's do."""
    torch.manual_seed(seed)
    model = EomtForUniversalSegmentation(EomtConfig(**{**SIZES, "image_size": side_px, **sizes})).eval()
    model.attn_mask_probs.zero_()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "lambda1" in name:
                value.uniform_(0.5, 1.5)
            elif value.ndim == 1:
                value.add_(0.1 * torch.randn_like(value))
        model.query.weight.mul_(3)
        model.class_predictor.weight.mul_(40)
        model.mask_head.fc3.weight.mul_(15)
        # Against a common direction all masks are negative, so that few of them overlap.
        model.mask_head.fc3.bias[0] += APART
        model.upscale_block.block[-1].layernorm2d.bias[0] -= APART
    return model.requires_grad_(False)


def processor(side_px: int = 64, panoptic: bool = False) -> EomtImageProcessor:
    """The image processor of a semantic or panoptic checkpoint, as the publisher's conversion makes it."""
    size = {"shortest_edge": side_px, "longest_edge": side_px if panoptic else None}
    return EomtImageProcessor(size=size, do_split_image=not panoptic, do_pad=panoptic)


def save(
    folder: Path, model: EomtForUniversalSegmentation, side_px: int = 64, panoptic: bool = False
) -> Path:
    """A folder as on the hub."""
    model.save_pretrained(folder)
    processor(side_px, panoptic).save_pretrained(folder)
    return folder


def change_json(file: Path, **values) -> None:
    """Other values in a file of settings; None takes one out."""
    settings = {**json.loads(file.read_text()), **values}
    file.write_text(json.dumps({key: value for key, value in settings.items() if value is not None}))


def soft_picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """(height, width, 3) uint8: soft patches of colour."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def pixels_of(picture: np.ndarray, side_px: int, panoptic: bool) -> dict:
    """What the oracle's processor makes of a picture."""
    return processor(side_px, panoptic)(images=Image.fromarray(picture), return_tensors="pt")


def slow_forward(model: EomtForUniversalSegmentation, pixels: torch.Tensor, blocks: tuple[int, ...]):
    """Mask and class logits of one picture with the paper's merges: the oracle's own layers, one by one.

    Before the named blocks mutual nearest neighbours become their mean, and at the end each patch gets its
    group's token back. Written with loops, to be seen right.
    """
    tokens = model.embeddings(pixels)
    prefix, place = model.embeddings.num_prefix_tokens, None
    for number, layer in enumerate(model.layers):
        if number == len(model.layers) - model.config.num_blocks:
            tokens = torch.cat([model.query.weight[None], tokens], dim=1)
            prefix += model.config.num_queries
        if number in blocks:
            merged, moved = _merged(tokens[0, prefix:])
            place = moved if place is None else [moved[old] for old in place]
            tokens = torch.cat([tokens[:, :prefix], merged[None]], dim=1)
        tokens = layer(tokens)
    tokens = model.layernorm(tokens)
    if place is not None:
        tokens = torch.cat([tokens[:, :prefix], tokens[:, prefix:][:, place]], dim=1)
    return model.predict(tokens)


def _merged(patches: torch.Tensor) -> tuple[torch.Tensor, list[int]]:
    units = torch.nn.functional.normalize(patches, dim=1)
    similarity = units @ units.T
    similarity.fill_diagonal_(-torch.inf)
    nearest = similarity.argmax(1).tolist()
    kept, moved = [], []
    for token, partner in enumerate(nearest):
        mutual = nearest[partner] == token
        if mutual and partner < token:
            moved.append(moved[partner])
            continue
        moved.append(len(kept))
        kept.append((patches[token] + patches[partner]) / 2 if mutual else patches[token])
    return torch.stack(kept), moved
