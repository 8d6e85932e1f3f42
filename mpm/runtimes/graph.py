"""An ONNX graph under construction: standard operators only, written down one by one.

No exporter traces the model, so the graph is the same whatever the release of PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

OPSET, IR_VERSION = 20, 9
"""Opset 20 is the first with Gelu in one operator; ONNX Runtime reads both since 1.17."""

FLOAT32 = 1
"""ONNX's number for the type."""

Shape = Sequence[int | str]
"""Sides of a tensor; a text names a free one."""

Product = Callable[["Graph", str, np.ndarray, "nn.Module | None"], str]
"""Adds the product of a value (.., C) with a weight (C, D), of that layer, to a graph, and names it."""


class Graph:
    """Values have names; every method adds operators and gives the name of what they make.

    by_weights: how products of tokens with weights are computed, see `mpm.runtimes.int8`; None: as they are
    """

    def __init__(self, by_weights: Product | None = None) -> None:
        self._by_weights = by_weights
        self._nodes: list[tuple[str, list[str], list[str], dict[str, Any]]] = []
        self._constants: list[np.ndarray] = []

    def constant(self, value: np.ndarray) -> str:
        name = _constant(len(self._constants))
        self._constants.append(np.ascontiguousarray(value))
        return name

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, dtype=np.int64))

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """One operator with one output."""
        return self.add_many(operator, 1, *inputs, **attributes)[0]

    def add_many(self, operator: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        names = [f"value_{len(self._nodes)}_{number}" for number in range(outputs)]
        self._nodes.append((operator, list(inputs), names, attributes))
        return names

    def linear(self, x: str, layer: nn.Linear) -> str:
        bias = None if layer.bias is None else array(layer.bias)
        return self.product(x, array(layer.weight).T, bias, layer)

    def product(
        self, x: str, weight: np.ndarray, bias: np.ndarray | None = None, layer: nn.Module | None = None
    ) -> str:
        """(.., C) by weight (C, D), plus bias (D,). layer: whose weight that is."""
        by_weights = self._by_weights or _plain_product
        made = by_weights(self, x, weight, layer)
        return made if bias is None else self.add("Add", made, self.constant(bias))

    def norm(self, x: str, layer: nn.Module) -> str:
        """A LayerNorm, or nothing."""
        if isinstance(layer, nn.Identity):
            return x
        assert isinstance(layer, nn.LayerNorm), "asked before: see mpm.runtimes.blocks"
        width = layer.normalized_shape[0]
        weight = np.ones(width, np.float32) if layer.weight is None else array(layer.weight)
        bias = np.zeros(width, np.float32) if layer.bias is None else array(layer.bias)
        parts = self.constant(weight), self.constant(bias)
        return self.add("LayerNormalization", x, *parts, axis=-1, epsilon=layer.eps)

    def finish(self, inputs: Mapping[str, Shape], outputs: Mapping[str, tuple[str, Shape]]) -> bytes:
        """The model as a file holds it.

        inputs   by name, their shapes; all are float32
        outputs  by name, the value that it is, and its shape
        """
        from onnx import helper, numpy_helper  # not everybody has it

        ends: list[Any] = [("Identity", [value], [name], {}) for name, (value, _) in outputs.items()]
        nodes = [helper.make_node(kind, *ports, **how) for kind, *ports, how in (*self._nodes, *ends)]
        weights = [numpy_helper.from_array(one, _constant(n)) for n, one in enumerate(self._constants)]
        shapes = {name: shape for name, (_, shape) in outputs.items()}
        sides = [
            [helper.make_tensor_value_info(name, FLOAT32, list(shape)) for name, shape in one.items()]
            for one in (inputs, shapes)
        ]
        graph = helper.make_graph(nodes, "mpm", *sides, weights)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION).SerializeToString()


def array(weight: Tensor) -> np.ndarray:
    """A weight as float32 numbers."""
    return weight.detach().float().cpu().numpy()


def _plain_product(graph: Graph, x: str, weight: np.ndarray, layer: nn.Module | None) -> str:
    return graph.add("MatMul", x, graph.constant(weight))


def _constant(number: int) -> str:
    return f"constant_{number}"
