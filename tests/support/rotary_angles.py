"""What stands in rotary tables, by timm's own grids: for the tests, which must not ask the table itself."""

from __future__ import annotations

import math

import torch
from timm.layers.pos_embed_sincos import build_fourier_pos_embed, get_mixed_grid, make_coords_dinov3


def patch_angles(rope, rows, cols):
    """Angles before sine and cosine: (N, D / 2), or (depth, heads, N, D / 2); linear in the place."""
    if hasattr(rope, "freqs"):
        x, y = get_mixed_grid([rows, cols], rope.grid_indexing)
        return x[:, None] * rope.freqs[0][..., None, :] + y[:, None] * rope.freqs[1][..., None, :]
    if hasattr(rope, "periods"):
        places = make_coords_dinov3(rows, cols, rope.normalize_coords, rope.grid_indexing, rope.grid_offset)
        return (2 * math.pi * places[:, :, None] / rope.periods).flatten(1)
    how = {"grid_offset": rope.grid_offset, "grid_indexing": rope.grid_indexing}
    how |= {"in_pixels": False, "ref_feat_shape": rope.ref_feat_shape, "include_grid": True}
    places = build_fourier_pos_embed([rows, cols], rope.bands, **how)[0]
    return (places * rope.bands).flatten(2).flatten(0, 1)


def rows_of(angles, half):
    """Sines, then cosines, in the order of timm's tables: (..., D / 2) -> (..., 2 D)."""
    waves = torch.stack([angles.sin(), angles.cos()])
    sines, cosines = torch.cat([waves, waves], -1) if half else waves.repeat_interleave(2, -1)
    return torch.cat([sines, cosines], -1)
