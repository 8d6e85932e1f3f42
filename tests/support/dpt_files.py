"""DPT segmenters with random weights, as transformers builds and writes them, and what they give."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn

CLASSES = 7
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 96,
    "image_size": 64,
    "patch_size": 16,
    "backbone_out_indices": [0, 1, 2, 3],
    "neck_hidden_sizes": [8, 12, 16, 20],
    "fusion_hidden_size": 16,
    "num_labels": CLASSES,
    "use_batch_norm_in_fusion_residual": True,
}
PREPROCESSOR = {
    "image_processor_type": "DPTImageProcessor",
    "do_resize": True,
    "size": {"height": 96, "width": 96},
    "keep_aspect_ratio": False,
    "ensure_multiple_of": 1,
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.5, 0.6, 0.7],
}


def tiny_model(**changes) -> nn.Module:
    """transformers' own class, every weight and running statistic random."""
    from transformers import DPTConfig, DPTForSemanticSegmentation

    torch.manual_seed(0)
    model = DPTForSemanticSegmentation(DPTConfig(**{**TINY, **changes})).eval().requires_grad_(False)
    draw = torch.Generator().manual_seed(1)
    for name, value in model.state_dict().items():
        if name.endswith("running_var"):
            value.copy_(0.5 + torch.rand(value.shape, generator=draw))
        elif value.is_floating_point():
            # Convolutions add up in the residual units: smaller ones keep logits near 1.
            gain = 0.6 if value.ndim == 4 else 1.5 if value.ndim == 2 else 0.3
            scale = gain / (value[0].numel() ** 0.5 if value.ndim in (2, 4) else 1)
            middle = 1.0 if value.ndim == 1 and name.endswith("weight") else 0.0
            value.copy_(middle + scale * torch.randn(value.shape, generator=draw))
    return model


def write_folder(model: nn.Module, folder: Path, preprocessor: dict | None = None, **how) -> Path:
    """As the publisher's folder; how: of save_pretrained."""
    model.save_pretrained(folder, **how)
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor or PREPROCESSOR))
    return folder


def change_config(folder: Path, **changes) -> Path:
    """Edit config.json; None takes a setting out."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    return folder


def published_taps(model: nn.Module, pixels: Tensor) -> list[Tensor]:
    """Outputs of the blocks that the head reads: (B, 1 + N, C) each."""
    states = model.dpt(pixels, output_hidden_states=True).hidden_states[1:]
    return [state for number, state in enumerate(states) if number in model.config.backbone_out_indices]


def published_logits(model: nn.Module, taps: list[Tensor], rows: int, cols: int) -> Tensor:
    """The published neck and head over any grid; the class as a whole only takes squares."""
    return model.head(model.neck(taps, rows, cols))
