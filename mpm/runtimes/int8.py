"""Products of tokens with weights in 8-bit integers.

Weights are rounded once, each column by a scale of its own. Shapes: C channels in, D channels out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import nn

from mpm.runtimes.graph import FLOAT32, Graph, Product

Ranges = Mapping[nn.Module, tuple[float, float]]
"""Of each layer the least and the greatest number that came in, over some pictures."""

LEVELS = 255
SMALLEST = 1e-12


def dynamic(graph: Graph, x: str, weight: np.ndarray, layer: nn.Module | None) -> str:
    """Tokens are rounded by the range that they have at that moment: nothing need be known before."""
    rounded, scale = _rounded(weight)
    whole, of_x, zero = graph.add_many("DynamicQuantizeLinear", 3, x)
    sums = graph.add("MatMulInteger", whole, graph.constant(rounded), zero)
    scales = graph.add("Mul", of_x, graph.constant(scale))
    return graph.add("Mul", graph.add("Cast", sums, to=FLOAT32), scales)


def static(ranges: Ranges) -> Product:
    """Tokens are rounded by ranges seen before; a layer without one is computed in floating point.

    Written as values rounded and made floating point again, which is how a runtime is told to multiply in
    integers.
    """

    def product(graph: Graph, x: str, weight: np.ndarray, layer: nn.Module | None) -> str:
        if layer is None or layer not in ranges:
            return graph.add("MatMul", x, graph.constant(weight))
        rounded, scale = _rounded(weight)
        own = [graph.constant(scale), graph.constant(np.zeros(len(scale), np.int8))]
        columns = graph.add("DequantizeLinear", graph.constant(rounded), *own, axis=1)
        return graph.add("MatMul", _there_and_back(graph, x, *ranges[layer]), columns)

    return product


def _rounded(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(C, D) -> int8 (C, D), and the scale of each column, float32 (D,)."""
    scale = np.maximum(np.abs(weight).max(0), SMALLEST) / 127
    return np.round(weight / scale).astype(np.int8), scale.astype(np.float32)


def _there_and_back(graph: Graph, x: str, least: float, greatest: float) -> str:
    """Tokens as 8-bit integers would hold them. Zero is exact, so the range is made to hold it."""
    least, greatest = min(least, 0.0), max(greatest, 0.0)
    step = max(greatest - least, SMALLEST) / LEVELS
    scale = graph.constant(np.array(step, np.float32))
    zero = graph.constant(np.array(round(-least / step), np.uint8))
    return graph.add("DequantizeLinear", graph.add("QuantizeLinear", x, scale, zero), scale, zero)
