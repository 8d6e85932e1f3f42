"""Rows of rotary tables between the patches, held against timm's own angles and against hand-made groups."""

from __future__ import annotations

import pytest
import timm
import torch
from support.rotary_angles import patch_angles, rows_of

from mpm.encoders.rotary import moved, offsets, steps
from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap

NAMES = ("eva02_tiny_patch14_224", "vit_small_patch16_dinov3", "vit_small_patch16_rope_mixed_224")
TINY = {"img_size": 64, "patch_size": 8, "embed_dim": 32, "depth": 1, "num_heads": 2, "num_classes": 0}


def table_of(name, rows, cols):
    torch.manual_seed(0)
    vit = timm.create_model(name, **TINY, dynamic_img_size=True)
    half = getattr(vit.blocks[0].attn, "rotate_half", False)
    return vit.rope.get_embed(shape=[rows, cols]), patch_angles(vit.rope, rows, cols), half


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_half_way_between_patches_the_angles_are_half_way(name):
    table, angles, half = table_of(name, 8, 9)
    grid, last = Grid(8, 9, 8), torch.arange(72).flip(0)
    places = torch.stack([torch.arange(72) // 9, torch.arange(72) % 9], 1)
    found = moved(table, (places[last] - places) / 2, steps(table, grid))
    assert torch.allclose(found, rows_of((angles + angles[..., last, :]) / 2, half), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("rows", "cols"), [(8, 9), (2, 3), (1, 5), (5, 1), (1, 1)])
@torch.no_grad()
def test_whole_steps_meet_every_patch_and_none_changes_nothing(name, rows, cols):
    table, _, _ = table_of(name, rows, cols)
    turns, count = steps(table, Grid(rows, cols, 8)), torch.arange(rows * cols)
    places = torch.stack([count // cols, count % cols], 1).float()
    first = table[..., :1, :].expand_as(table)
    assert torch.allclose(moved(first, places, turns), table, atol=5e-6)
    assert torch.equal(moved(table, torch.zeros_like(places), turns), table)


def test_a_token_stands_at_the_mean_where_that_lies_within_a_patch():
    groups = torch.tensor([[0, 0, 1, 2, 3, 4, 3, 1, 5, 6, 6, 2]])
    grid, whole = Grid(3, 4, 8), MergeMap.from_groups(groups)
    # Side by side; touching at a corner; two rows apart; one patch between; alone; side by side.
    expected = [[0, 0.5], [0.5, 0.5], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0.5]]
    assert offsets(grid, whole, whole.representatives()).tolist() == [expected]


def test_larger_groups_and_padding():
    square, angle = torch.tensor([[0, 0, 1, 0, 0, 2, 3, 4, 5]]), torch.tensor([[0, 0, 0, 0, 1, 1, 0, 1, 1]])
    whole = MergeMap.from_groups(torch.cat([square, angle]))
    found = offsets(Grid(3, 3, 8), whole, whole.representatives())
    assert found[0].tolist() == [[0.5, 0.5]] + [[0, 0]] * 5
    # Of five patches along two sides the mean (0.6, 0.6) lies in the other group: the corner keeps its place.
    assert found[1].tolist() == [[0, 0], [0.5, 0.5]] + [[0, 0]] * 4
