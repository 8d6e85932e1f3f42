"""How the model learns: loss, Muon for the hidden matrices beside AdamW, learning rate, weight average."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.optimizer import ParamsT

from mpm.devices import has_fast_bfloat16

WARM_UP_STEPS = 50
DECAY_PART = 0.6  # the last part of the planned time, over which the learning rate falls to zero
AVERAGE_DECAY = 0.99
MUON_LEARNING_RATE, ADAMW_LEARNING_RATE = 0.015, 1e-3
PATCH_EMBED_RATE = 0.1  # of AdamW's: faster, brightness soon outweighs everything else in it
WEIGHT_DECAY = 0.03
CLIP_NORM = 1.0


class StreetLoss(nn.Module):
    """Weighted cross-entropy plus a soft Jaccard term, since mean IoU is what is judged.

    logits (B, classes, R, K) are upsampled bilinearly to the labels' (B, H, W); `ignore_index` takes no part.
    """

    class_weights: torch.Tensor

    def __init__(
        self, class_weights: torch.Tensor, ignore_index: int, jaccard: float = 0.5, smoothing: float = 0.05
    ):
        super().__init__()
        self.register_buffer("class_weights", class_weights)
        self._ignore_index, self._jaccard, self._smoothing = ignore_index, jaccard, smoothing

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if (labels == self._ignore_index).all():
            return logits.sum() * 0.0
        logits = F.interpolate(logits.float(), size=labels.shape[-2:], mode="bilinear", align_corners=False)
        entropy = F.cross_entropy(
            logits,
            labels,
            self.class_weights,
            ignore_index=self._ignore_index,
            label_smoothing=self._smoothing,
        )
        return entropy + self._jaccard * self._soft_jaccard(logits, labels)

    def _soft_jaccard(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """1 - mean soft IoU over the classes the batch holds."""
        classes = logits.shape[1]
        counted = (labels != self._ignore_index).unsqueeze(1)
        truth = (
            torch.zeros_like(logits).scatter_(1, labels.clamp(max=classes - 1).unsqueeze(1), 1.0) * counted
        )
        probability = logits.softmax(1) * counted
        intersection = (probability * truth).sum((0, 2, 3))
        area = truth.sum((0, 2, 3))
        union = probability.sum((0, 2, 3)) + area - intersection
        present = area > 0
        return 1 - (intersection[present] / union[present]).mean()


def class_weights(pixel_counts: torch.Tensor, low: float = 0.5, high: float = 3.0) -> torch.Tensor:
    """(classes,) inverse square root of the frequencies, 1 for the mean class, clipped to [low, high]."""
    frequency = pixel_counts.clamp(min=1).double() / pixel_counts.sum().clamp(min=1)
    weights = (1 / (len(pixel_counts) * frequency)).sqrt()
    return weights.clamp(low, high).float()


class Muon(torch.optim.Optimizer):
    """Momentum orthogonalised by Newton-Schulz (Jordan et al. 2024), for hidden 2-D matrices.

    Matrices of the same shape are orthogonalised together, in bfloat16 where that is faster.
    A fused (3C, C) query-key-value matrix is three matrices: `parts` of its group says so.
    """

    def __init__(self, params: ParamsT, lr: float, momentum: float = 0.95, weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "parts": 1})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # takes no closure
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[torch.Tensor]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape.setdefault(weight.shape, []).append(weight)
            for weights in by_shape.values():
                self._step_together(weights, group)

    def _step_together(self, weights: list[torch.Tensor], group: dict[str, Any]) -> None:
        rows, cols = weights[0].shape
        updates = torch.stack([self._momentum(weight, group["momentum"]) for weight in weights])
        shape = (len(weights) * group["parts"], rows // group["parts"], cols)
        directions = orthogonalise(updates.reshape(shape))
        scale = max(1.0, shape[1] / cols) ** 0.5
        for weight, direction in zip(weights, directions.reshape(updates.shape), strict=True):
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.add_(direction.to(weight.dtype), alpha=-group["lr"] * scale)

    def _momentum(self, weight: torch.Tensor, momentum: float) -> torch.Tensor:
        """Nesterov momentum of the gradient, which the weight must have."""
        gradient = weight.grad
        assert gradient is not None
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["momentum"], momentum)


def orthogonalise(matrices: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """(B, rows, cols) -> the same shape with all singular values near 1."""
    a, b, c = 3.4445, -4.7750, 2.0315  # the quintic of Jordan et al.: fast for small values, not exact at 1
    x = matrices.to(torch.bfloat16 if has_fast_bfloat16(matrices.device) else torch.float32)
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class StreetOptimiser:
    """Muon on the matrices inside the blocks, AdamW on everything else, one learning-rate factor for both."""

    def __init__(
        self, model: nn.Module, muon_lr: float = MUON_LEARNING_RATE, adamw_lr: float = ADAMW_LEARNING_RATE
    ):
        fused, matrices, decayed, others, embedding = _parameter_groups(model)
        self._muon = Muon(
            [{"params": fused, "parts": 3}, {"params": matrices, "parts": 1}],
            lr=muon_lr,
            weight_decay=WEIGHT_DECAY,
        )
        self._adamw = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": WEIGHT_DECAY},
                {"params": others, "weight_decay": 0.0},
                {"params": embedding, "weight_decay": 0.0, "lr": adamw_lr * PATCH_EMBED_RATE},
            ],
            lr=adamw_lr,
            betas=(0.9, 0.95),
        )
        self._base_rates = [group["lr"] for group in self._all_groups()]
        self._parameters = list(model.parameters())

    def step(self, factor: float) -> float:
        """One update at `factor` of the rates; gradients are clipped, then dropped. Returns the norm."""
        # Asked for anew at every step: loading a state replaces the groups.
        for group, base in zip(self._all_groups(), self._base_rates, strict=True):
            group["lr"] = base * factor
        norm = nn.utils.clip_grad_norm_(self._parameters, CLIP_NORM)
        self._muon.step()
        self._adamw.step()
        for parameter in self._parameters:
            parameter.grad = None
        return float(norm)

    def state_dict(self) -> dict[str, Any]:
        return {"muon": self._muon.state_dict()["state"], "adamw": self._adamw.state_dict()["state"]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes momenta only: rates and groups are this run's own."""
        for name, optimiser in (("muon", self._muon), ("adamw", self._adamw)):
            optimiser.load_state_dict({**optimiser.state_dict(), "state": state[name]})

    def _all_groups(self) -> list[dict[str, Any]]:
        return [*self._muon.param_groups, *self._adamw.param_groups]


Weights = list[nn.Parameter]


def _parameter_groups(model: nn.Module) -> tuple[Weights, Weights, Weights, Weights, Weights]:
    """(fused qkv matrices, other block matrices, other weights that decay, the rest, the patch embedding)."""
    fused: Weights = []
    matrices: Weights = []
    decayed: Weights = []
    others: Weights = []
    embedding: Weights = []
    for name, weight in model.named_parameters():
        if not weight.requires_grad:
            continue
        if "patch_embed." in name:
            embedding.append(weight)
        elif "blocks." in name and weight.ndim == 2:
            (fused if name.endswith("qkv.weight") else matrices).append(weight)
        else:
            (decayed if weight.ndim >= 2 and name.endswith("weight") else others).append(weight)
    return fused, matrices, decayed, others, embedding


def rate_factor(step: int, minutes: float, total_minutes: float | None) -> float:
    """Warm-up by steps, then constant; over the last part of the planned time, linear to zero.

    Driven by the time spent, so that runs of any length add up; with no planned total it stays constant.
    """
    warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
    if total_minutes is None:
        return warm_up
    left = 1 - minutes / total_minutes
    return warm_up * min(1.0, max(0.0, left / DECAY_PART))


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, step: int) -> None:
    """Moves the exponential average of the weights towards `model`; short memory at the start."""
    decay = min(AVERAGE_DECAY, (1 + step) / (10 + step))
    for kept, weight in zip(average.parameters(), model.parameters(), strict=True):
        kept.lerp_(weight.detach().to(kept.dtype), 1 - decay)
    for kept_buffer, buffer in zip(average.buffers(), model.buffers(), strict=True):
        kept_buffer.copy_(buffer)
