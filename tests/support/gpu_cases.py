"""What `tests/checks/measure_gpu.py` measures: its parts, each a few tables."""

from __future__ import annotations

from dataclasses import dataclass

PAPER, SIZES = "2,5", "2,5|sizes"


@dataclass(frozen=True)
class Case:
    """One table.

    model      a timm ViT with a mask transformer behind it, a model in the box, or "" for kernels alone
    recipes    each against the unmerged run
    attention  "flash", "efficient" or "math": which of torch's kernels may run (masks never run in flash)
    apart      also each recipe with images of unequal length run one length at a time, not packed
    head       whether a segmenter runs, and not the ViT with its classifier
    profile    also milliseconds by part
    """

    title: str
    model: str
    recipes: tuple[str, ...] = (PAPER,)
    attention: str = "flash"
    apart: bool = False
    head: bool = True
    profile: bool = False
    size_px: int = 512
    batch: int = 32


@dataclass(frozen=True)
class Scale:
    """How much of it: runs of each contender, and what a trial shrinks."""

    runs: int
    warmup: int
    batch: int | None = None
    size_px: int | None = None
    model: str | None = None


WHOLE = Scale(runs=30, warmup=4)
TINY = Scale(runs=2, warmup=1, batch=2, size_px=64, model="vit_tiny_patch16_224")

VITS = {
    "ViT-T/16": "vit_tiny_patch16_224",
    "ViT-S/16": "vit_small_patch16_224",
    "ViT-B/16": "vit_base_patch16_224",
    "ViT-L/16": "vit_large_patch16_224",
}


def _each(*letters: str, **how: object) -> tuple[Case, ...]:
    return tuple(Case(title, name, **how) for title, name in VITS.items() if title[4] in letters)  # type: ignore[arg-type]


PARTS: dict[str, tuple[Case, ...]] = {
    "flash": _each("T", "S", "B", "L", profile=True),
    "deit": (Case("DeiT-S/16", "deit_small_patch16_224", head=False, size_px=224, batch=256),),
    "bundled": (Case("bundled weights, ViT-T/16", "streets-vit-tiny", (PAPER, "0,2,4,6,8"), profile=True),),
    "efficient": _each("T", "B", "L", attention="efficient"),
    "math": _each("T", "B", "L", attention="math"),
    "sizes": _each("T", "B", "L", recipes=(PAPER, SIZES)),
    "ragged": _each("T", "B", apart=True),
    "kernels": (Case("matcher and tail alone", ""),),
}
"""The first answer the paper's claims; none needs another."""
