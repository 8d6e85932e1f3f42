"""The two kernels that merging stands on, measured alone: the tail and the matcher."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mpm.clock import synchronise
from mpm.measure.bench.memory import peak_bytes
from mpm.measure.bench.results import Kernel
from mpm.measure.paired import Summary, alternate
from mpm.merging.grid import Grid
from mpm.merging.rules.mutual import mutual_pairs
from mpm.merging.search import normalise
from mpm.merging.windowed import windowed_pairs
from mpm.segmenters.upsample import argmax_bilinear

TAIL_GRID, TAIL_FACTOR = (32, 32), 16
SMOOTH_SIGMA_CELLS = 4
MATCH_GRID, MATCH_CHANNELS, WINDOW = (64, 128), 192, 4

Way = Callable[[], object]
"""One way to do it; what it returns is not looked at."""


def tail(classes: int, device: torch.device, runs: int = 15) -> Kernel:
    """argmax of upsampled class maps, smooth and pure noise, against F.interpolate and argmax."""
    results: Kernel = {"classes": classes}
    noise = np.random.default_rng(0).standard_normal((classes, *TAIL_GRID)).astype(np.float32)
    smooth = np.stack([_blurred(one) for one in noise])
    for name, maps in (("smooth", smooth), ("noise", noise)):
        own, plain = _tail_ways(torch.from_numpy(maps).to(device))
        seconds = _medians({"own": own, "plain": plain}, runs, device)
        results[f"{name}_s"], results[f"{name}_interpolate_s"] = seconds["own"], seconds["plain"]
        results[f"{name}_speedup"] = seconds["plain"] / seconds["own"]
        results[f"{name}_pixels_different"] = int((own().long() != plain()).sum())
    return results


def _blurred(plane: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(plane, (0, 0), SMOOTH_SIGMA_CELLS, borderType=cv2.BORDER_REFLECT)


def _tail_ways(maps: Tensor) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    size = TAIL_GRID[0] * TAIL_FACTOR, TAIL_GRID[1] * TAIL_FACTOR

    def plain() -> Tensor:
        full = F.interpolate(maps[None], scale_factor=TAIL_FACTOR, mode="bilinear", align_corners=False)
        return full.argmax(1)[0]

    return lambda: argmax_bilinear(maps, size, (TAIL_FACTOR, TAIL_FACTOR)), plain


def matcher(device: torch.device, runs: int = 5) -> Kernel:
    """Who pairs with whom among 8192 tokens (2048 x 1024 pixels): dense, as shipped, windowed."""
    tokens, grid = _smooth_tokens(device), Grid(*MATCH_GRID, 16)
    near = windowed_pairs(WINDOW)
    ways: dict[str, Way] = {
        "dense": lambda: _dense(tokens),
        "own": lambda: mutual_pairs(tokens),
        "windowed": lambda: near(tokens, None, grid),
    }
    seconds = _medians(ways, runs, device)
    results: Kernel = {"tokens": grid.size, "dense_matrix_bytes": 4 * grid.size**2}
    for name, way in ways.items():
        results[f"{name}_s"] = seconds[name]
        results[f"{name}_speedup"] = seconds["dense"] / seconds[name]
        results[f"{name}_peak_bytes"] = peak_bytes(way, device)
    exact, windowed = mutual_pairs(tokens), near(tokens, None, grid)
    results["own_partners_different"] = _share_different(exact.nearest, _dense(tokens))
    results["windowed_partners_different"] = _share_different(exact.partner, windowed.partner)
    return results


def _share_different(first: Tensor | None, second: Tensor | None) -> float:
    assert first is not None and second is not None  # mutual pairs say both: who is nearest, and partners
    return float((first != second).float().mean())


def _smooth_tokens(device: torch.device) -> Tensor:
    """(1, N, C) tokens of a smooth scene with some noise of their own, seeded."""
    noise = np.random.default_rng(1).standard_normal((2, *MATCH_GRID, MATCH_CHANNELS)).astype(np.float32)
    planes = np.stack([cv2.GaussianBlur(plane, (0, 0), 3) for plane in noise[0].transpose(2, 0, 1)])
    tokens = planes.transpose(1, 2, 0) / planes.std() + 0.3 * noise[1]
    return torch.from_numpy(tokens.reshape(1, -1, MATCH_CHANNELS)).to(device)


def _dense(tokens: Tensor) -> Tensor:
    """b(i) by the whole similarity matrix: (1, N, C) -> (1, N) int64."""
    units = normalise(tokens[0])
    similarity = units @ units.T
    similarity.fill_diagonal_(-torch.inf)
    return similarity.max(1).indices.unsqueeze(0)


def _medians(ways: Mapping[str, Way], runs: int, device: torch.device) -> dict[str, float]:
    def clocked(way: Way) -> Callable[[], float]:
        def run() -> float:
            synchronise(device)
            start = time.perf_counter()
            way()
            synchronise(device)
            return time.perf_counter() - start

        return run

    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for name, own in alternate({name: clocked(way) for name, way in ways.items()}, runs, warmup=2):
        seconds[name].append(own)
    return {name: Summary.of(own).median for name, own in seconds.items()}
