"""Loss, optimiser and learning rate."""

import numpy as np
import pytest
import torch
from torch import nn

from mpm.segmenters.config import streets_config
from mpm.segmenters.segmenter import Segmenter
from mpm.training import optimise


def test_loss_is_small_for_right_and_large_for_wrong():
    loss = optimise.StreetLoss(torch.ones(3), 3, smoothing=0.0)
    labels = torch.tensor([[[0, 0], [1, 2]]])
    right = 20.0 * nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2).float()
    assert loss(right, labels) < 1e-3
    assert loss(-right, labels) > 10
    assert loss(torch.zeros(1, 3, 2, 2), labels) == pytest.approx(
        np.log(3) + 0.5 * (1 - np.mean([2 / 3 / (2 + 2 / 3), 1 / 3 / 2, 1 / 3 / 2])), abs=1e-4
    )


def test_ignored_pixels_take_no_part_in_the_loss():
    loss = optimise.StreetLoss(torch.ones(3), 3)
    labels = torch.tensor([[[0, 1], [3, 3]]])
    logits = torch.randn(1, 3, 2, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss(logits, labels).backward()
    assert (logits.grad[:, :, 1] == 0).all() and (logits.grad[:, :, 0] != 0).all()


def test_rare_classes_weigh_more_within_bounds():
    weights = optimise.class_weights(torch.tensor([900, 90, 10, 0]), low=0.6, high=3.0)
    assert weights.tolist() == pytest.approx([0.6, (1000 / 4 / 90) ** 0.5, 3.0, 3.0])


@pytest.mark.parametrize("shape", [(2, 24, 24), (3, 48, 16), (1, 16, 64)])
def test_orthogonalise_evens_out_singular_values(shape):
    matrices = 3 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    singular = torch.linalg.svdvals(optimise.orthogonalise(matrices).float())
    assert singular.median() > 0.6 and singular.max() < 1.4
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    cosine = nn.functional.cosine_similarity(
        optimise.orthogonalise(matrices).float().flatten(1), (left @ right).flatten(1)
    )
    assert (cosine > 0.95).all()


@pytest.mark.parametrize("fast", [False, True])
def test_either_precision_orthogonalises(monkeypatch, fast):
    monkeypatch.setattr(optimise, "has_fast_bfloat16", lambda device: fast)
    direction = optimise.orthogonalise(torch.randn(2, 24, 24, generator=torch.Generator().manual_seed(0)))
    assert direction.dtype == (torch.bfloat16 if fast else torch.float32)
    assert 0.6 < torch.linalg.svdvals(direction.float()).median() < 1.4


def test_muon_takes_a_fused_matrix_apart():
    torch.manual_seed(0)
    fused, parts = nn.Parameter(torch.randn(12, 4)), [nn.Parameter(torch.randn(4, 4)) for _ in range(3)]
    with torch.no_grad():
        for index, part in enumerate(parts):
            part.copy_(fused[4 * index : 4 * index + 4])
    fused.grad = torch.randn(12, 4)
    for index, part in enumerate(parts):
        part.grad = fused.grad[4 * index : 4 * index + 4].clone()
    optimise.Muon([{"params": [fused], "parts": 3}], lr=0.1).step()
    optimise.Muon(parts, lr=0.1).step()
    assert torch.allclose(fused, torch.cat(parts), atol=1e-5)


def test_every_weight_is_optimised_once():
    model = Segmenter(streets_config())
    groups = optimise._parameter_groups(model)
    ids = [id(weight) for group in groups for weight in group]
    assert sorted(ids) == sorted(id(weight) for weight in model.parameters())
    assert {id(weight) for weight in groups[4]} == {id(w) for w in model.encoder.patch_embed.parameters()}
    assert [len(group) for group in groups[:2]] == [14, 42]
    assert all(weight.ndim == 2 for group in groups[:2] for weight in group)


def test_rate_follows_the_time_spent():
    assert optimise.rate_factor(0, 0, None) == pytest.approx(1 / 50)
    assert optimise.rate_factor(49, 0, 100) == 1
    part = 100 * optimise.DECAY_PART
    assert optimise.rate_factor(5000, 100 - part, 100) == pytest.approx(1)
    assert optimise.rate_factor(5000, 100 - part / 2, 100) == pytest.approx(0.5)
    assert optimise.rate_factor(5000, 130, 100) == 0
    assert optimise.rate_factor(5000, 1e6, None) == 1
