"""The graphs at both ends of an exported model: pictures to tokens, and tokens to scores.

Shapes: N patch tokens, P prefix tokens, C channels, K classes, h w patch rows and columns.
"""

from __future__ import annotations

import numpy as np
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from mpm.encoders.vit import PlainViT, PositionResizing, prefix_tokens
from mpm.runtimes.blocks import add_block
from mpm.runtimes.graph import Graph, Product, array
from mpm.segmenters.heads import LinearDecoder, MaskTransformer

SMALLEST_NORM = 1e-12
"""As in F.normalize."""


def embed_graph(vit: PlainViT, resizing: PositionResizing) -> bytes:
    """Pixels (1, 3, H, W), whole patches -> tokens (1, P + N, C), as `mpm.encoders.vit.embed`."""
    graph, projection = Graph(), vit.patch_embed.proj
    patch, width = projection.stride[0], projection.out_channels
    weights = [array(one) for one in (projection.weight, projection.bias) if one is not None]
    plane = graph.add("Conv", "pixels", *map(graph.constant, weights), strides=[patch, patch])
    tokens = graph.norm(_in_rows(graph, plane, width), vit.patch_embed.norm)
    prefix = prefix_tokens(vit, 1)
    if vit.pos_embed is not None:
        own = 0 if vit.no_embed_class else vit.num_prefix_tokens
        positions = _resized(graph, vit.pos_embed[:, own:], vit.patch_embed.grid_size, plane, resizing)
        tokens = graph.add("Add", tokens, _in_rows(graph, positions, width))
        if own:
            prefix = prefix + vit.pos_embed[:, :own]
    if prefix.shape[1]:
        tokens = graph.add("Concat", graph.constant(array(prefix)), tokens, axis=1)
    tokens = graph.norm(tokens, vit.norm_pre)
    return graph.finish({"pixels": [1, 3, "height", "width"]}, {"output": (tokens, [1, "tokens", width])})


def _in_rows(graph: Graph, plane: str, width: int) -> str:
    """(1, C, h, w) -> (1, N, C)."""
    flat = graph.add("Reshape", plane, graph.integers(1, width, -1))
    return graph.add("Transpose", flat, perm=[0, 2, 1])


def _resized(
    graph: Graph, positions: Tensor, old: tuple[int, int], plane: str, resizing: PositionResizing
) -> str:
    """Position embeddings (1, R * K, C) on the grid of a plane (1, C, h, w)."""
    table = array(positions).reshape(1, *old, -1).transpose(0, 3, 1, 2)
    cubic = resizing.interpolation == "bicubic"
    return graph.add(
        "Resize",
        graph.constant(table),
        "",
        "",
        graph.add("Shape", plane),
        mode="cubic" if cubic else "linear",
        coordinate_transformation_mode="half_pixel",
        cubic_coeff_a=-0.5 if resizing.antialias else -0.75,  # PyTorch's
        antialias=int(resizing.antialias),
    )


def decode_graph(
    norm: nn.Module, decoder: nn.Module, prefix: int, width: int, by_weights: Product | None
) -> bytes:
    """Tokens (1, P + N, C) behind the last block -> scores (1, N, K): final norm, then the decoder."""
    graph = Graph(by_weights)
    tokens = graph.norm("tokens", norm)
    if prefix:
        tokens = _rows(graph, tokens, prefix, np.iinfo(np.int64).max)
    if isinstance(decoder, LinearDecoder):
        scores, classes = graph.linear(tokens, decoder.head), decoder.head.out_features
    else:
        assert isinstance(decoder, MaskTransformer), "asked before: see mpm.export.write"
        scores, classes = _mask_transformer(graph, tokens, decoder), decoder.classes
    return graph.finish({"tokens": [1, "tokens", width]}, {"output": (scores, [1, "patches", classes])})


def _rows(graph: Graph, tokens: str, start: int, stop: int) -> str:
    return graph.add("Slice", tokens, graph.integers(start), graph.integers(stop), graph.integers(1))


def _mask_transformer(graph: Graph, tokens: str, decoder: MaskTransformer) -> str:
    x = graph.linear(tokens, decoder.proj_dec)
    x = graph.add("Concat", x, graph.constant(array(decoder.cls_emb)), axis=1)
    for block in decoder.blocks:
        assert isinstance(block, Block)
        x = add_block(graph, x, block)
    x = graph.norm(x, decoder.decoder_norm)
    patches = _unit(graph, graph.product(_rows(graph, x, 0, -decoder.classes), array(decoder.proj_patch)))
    classes = _rows(graph, x, -decoder.classes, np.iinfo(np.int64).max)
    classes = _unit(graph, graph.product(classes, array(decoder.proj_classes)))
    scores = graph.add("MatMul", patches, graph.add("Transpose", classes, perm=[0, 2, 1]))
    return graph.norm(scores, decoder.mask_norm)


def _unit(graph: Graph, x: str) -> str:
    """Rows of unit length."""
    length = graph.add("ReduceL2", x, graph.integers(-1), keepdims=1)
    least = graph.constant(np.array(SMALLEST_NORM, np.float32))
    return graph.add("Div", x, graph.add("Max", length, least))
