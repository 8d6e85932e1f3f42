"""Floating-point operations of a run, as PyTorch counts them: two a multiply-add, matrix products only.

That is what papers count. The search for partners is in it where it multiplies matrices; norms, softmax, sums
and look-ups are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

# Fused attention as PyTorch calls it on CPU and MPS; its own table has the names on CUDA only.
_ATTENTION = ("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_attention_math_for_mps")


def count_flops(call: Callable[[], object]) -> int:
    """Operations of one call, which is really made. Give one picture: unequal lengths are not all counted."""
    known = {
        getattr(torch.ops.aten, name): _attention for name in _ATTENTION if hasattr(torch.ops.aten, name)
    }
    with FlopCounterMode(display=False, custom_mapping=known) as counter:
        call()
    return int(counter.get_total_flops())


def _attention(query: torch.Size, key: torch.Size, value: torch.Size, *_: Any, **__: Any) -> int:
    return int(sdpa_flop_count(query, key, value))
