"""timm's plain Transformer blocks as ONNX graphs.

Shapes: N tokens of one image, prefix included, C channels, D channels of a head.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from timm.layers.attention import Attention
from timm.layers.mlp import Mlp
from timm.models.vision_transformer import Block, LayerScale  # type: ignore[attr-defined]
from torch import Tensor, nn

from mpm.runtimes.graph import Graph, Product, array

TOKENS, LOG_SIZES, OUTPUT = "tokens", "log_sizes", "output"
"""Names of a graph's inputs, (1, N, C) and (1, N), and of its output, (1, N, C)."""


def misfit(blocks: Sequence[nn.Module]) -> str:
    """Why these blocks cannot be made into graphs, in words for "... of this model"; empty where they can."""
    for block in blocks:
        for part in _parts(block):
            if not _is_known(part):
                inside = "" if part is block else f"{type(part).__name__} in the "
                return f"{inside}{type(block).__name__}s"
    return ""


def _parts(block: nn.Module) -> list[nn.Module]:
    """A block, and what in it decides what it computes."""
    if type(block) is not Block:
        return [block]
    found = [block, block.attn, block.mlp, block.norm1, block.norm2, block.ls1, block.ls2]
    if type(block.attn) is Attention:
        found += [block.attn.q_norm, block.attn.k_norm, getattr(block.attn, "norm", nn.Identity())]
    if type(block.mlp) is Mlp:
        found += [block.mlp.act, block.mlp.norm]
    return found


def _is_known(part: nn.Module) -> bool:
    if isinstance(part, Attention) and getattr(part, "gate", None) is not None:
        return False
    if isinstance(part, nn.LayerNorm):
        return len(part.normalized_shape) == 1
    if isinstance(part, nn.GELU):
        return part.approximate == "none"
    if isinstance(part, Mlp):
        return isinstance(part.fc1, nn.Linear)
    return type(part) in (Block, Attention, LayerScale, nn.Identity)


def stack_graph(
    blocks: Sequence[nn.Module],
    sized: bool = False,
    by_weights: Product | None = None,
    behind: Tensor | None = None,
) -> bytes:
    """Blocks in a row over one image's tokens, the only free axis: (1, N, C) -> (1, N, C).

    sized       a second input, (1, N), is added to every row of attention logits
    by_weights  how products with weights are computed; None: as they are
    behind      (1, K, C) tokens that stand behind the image's own and count once: the output has them, too
    """
    first = blocks[0]
    assert isinstance(first, Block) and isinstance(first.attn, Attention), "asked before: see misfit"
    graph, width = Graph(by_weights), first.attn.qkv.in_features
    x, bias = TOKENS, LOG_SIZES if sized else None
    if behind is not None:
        x = graph.add("Concat", x, graph.constant(array(behind)), axis=1)
        once = graph.constant(np.zeros((1, behind.shape[1]), np.float32))
        bias = bias and graph.add("Concat", bias, once, axis=1)
    # As (1, 1, N): it is the same for every head and query.
    bias = bias and graph.add("Unsqueeze", bias, graph.integers(1))
    for block in blocks:
        assert isinstance(block, Block), "asked before: see misfit"
        x = add_block(graph, x, block, bias)
    inputs: dict[str, list[int | str]] = {TOKENS: [1, "tokens", width]}
    if sized:
        inputs[LOG_SIZES] = [1, "tokens"]
    return graph.finish(inputs, {OUTPUT: (x, [1, "rows", width])})


def add_block(graph: Graph, x: str, block: Block, bias: str | None = None) -> str:
    """One block. bias: (1, 1, N), added to attention logits; None: nothing."""
    assert isinstance(block.attn, Attention) and isinstance(block.mlp, Mlp)
    x = graph.add(
        "Add", x, _scaled(graph, _attention(graph, graph.norm(x, block.norm1), block.attn, bias), block.ls1)
    )
    return graph.add("Add", x, _scaled(graph, _mlp(graph, graph.norm(x, block.norm2), block.mlp), block.ls2))


def _attention(graph: Graph, x: str, attn: Attention, bias: str | None) -> str:
    heads, size = attn.num_heads, attn.head_dim
    split = graph.integers(1, -1, heads, size)
    parts = graph.add_many("Split", 3, graph.linear(x, attn.qkv), axis=2, num_outputs=3)
    query, key, value = (graph.add("Reshape", part, split) for part in parts)
    query = graph.norm(query, attn.q_norm)
    query = graph.add("Mul", query, graph.constant(np.array(attn.scale, np.float32)))
    key = graph.add("Transpose", graph.norm(key, attn.k_norm), perm=[0, 2, 3, 1])
    logits = graph.add("MatMul", graph.add("Transpose", query, perm=[0, 2, 1, 3]), key)
    if bias is not None:
        logits = graph.add("Add", logits, bias)
    weights = graph.add("Softmax", logits, axis=-1)
    mixed = graph.add("MatMul", weights, graph.add("Transpose", value, perm=[0, 2, 1, 3]))
    joined = graph.add("Transpose", mixed, perm=[0, 2, 1, 3])
    joined = graph.add("Reshape", joined, graph.integers(1, -1, heads * size))
    return graph.linear(graph.norm(joined, getattr(attn, "norm", nn.Identity())), attn.proj)


def _mlp(graph: Graph, x: str, mlp: Mlp) -> str:
    assert isinstance(mlp.fc1, nn.Linear) and isinstance(mlp.fc2, nn.Linear)
    return graph.linear(graph.norm(graph.add("Gelu", graph.linear(x, mlp.fc1)), mlp.norm), mlp.fc2)


def _scaled(graph: Graph, x: str, layer: nn.Module) -> str:
    """LayerScale, where there is one."""
    if not isinstance(layer, LayerScale):
        return x
    assert isinstance(layer.gamma, torch.Tensor)
    return graph.add("Mul", x, graph.constant(array(layer.gamma)))
