"""Which kind of encoder runs a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeGuard

from torch import nn

from mpm.encoders.base import Encoder
from mpm.encoders.rope import RopeEncoder
from mpm.encoders.vit import PlainViT, PositionResizing, VitEncoder

KINDS: tuple[type[VitEncoder], ...] = (VitEncoder, RopeEncoder)
"""In the order in which they are asked."""


def pick_encoder(module: nn.Module, resizing: PositionResizing | None = None) -> Encoder:
    """The encoder that runs a module. Raises TypeError, saying what the module is, where none does."""
    for kind in KINDS:
        if kind.fits(module):
            return kind(module, resizing)
    raise TypeError(f"Expected a timm VisionTransformer or Eva, but got {why_unsupported(module)}.")


def timm_arguments(module: nn.Module) -> dict[str, Any]:
    """What timm must be told so that it makes a module of this kind for any grid."""
    return next((dict(kind.timm_arguments) for kind in KINDS if kind.fits(module)), {})


def is_supported(module: nn.Module) -> TypeGuard[PlainViT]:
    """Whether an encoder runs a module, and runs all of it."""
    return not why_unsupported(module)


def why_unsupported(module: nn.Module) -> str:
    """Why no encoder runs a module, in words for "..., but got "; empty where one does.

    The loop calls the parts of a ViT, not its `forward`: whatever a subclass or a patch put there would be
    lost without a word.
    """
    name = type(module).__name__
    if not any(kind.fits(module) for kind in KINDS):
        return name + (" with rotary embeddings" if getattr(module, "rope", None) else "")
    if not _is_timms(module):
        return f"{name}, a class of its own: what it changes would be lost"
    for part in (module, *_block_parts(module)):
        if not _is_timms(part):
            return f"{name} with {type(part).__name__} blocks, which are not timm's"
        patched = [key for key, value in vars(part).items() if callable(value) and hasattr(type(part), key)]
        if patched:
            return f"{name} whose {patched[0]} was replaced: what it does would be lost"
    if module._forward_hooks or module._forward_pre_hooks:
        return f"{name} with hooks on its forward, which would not run"
    return ""


def _is_timms(module: nn.Module) -> bool:
    return type(module).__module__.split(".")[0] == "timm"


def _block_parts(module: nn.Module) -> Iterator[nn.Module]:
    """The blocks and their attention."""
    for block in module.get_submodule("blocks").children():
        yield block
        attention = getattr(block, "attn", None)
        if isinstance(attention, nn.Module):
            yield attention
