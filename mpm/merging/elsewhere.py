"""Published methods that cannot run on a frozen segmenter, each with its reason.

docs/other-methods.md, the page and `mpm rules` all show this list.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Elsewhere:
    """A method that cannot run here. why: one sentence."""

    name: str
    paper: str
    why: str


_CLASS_TOKEN = "It drops tokens for the sake of one class token, so a mask would have holes."

ELSEWHERE = (
    Elsewhere(
        "Patch Slimming",
        "Tang et al., CVPR 2022",
        "Its masks are learned for each layer and drop the same positions in every picture, and there is no "
        "public code.",
    ),
    Elsewhere(
        "Stepwise Patch Merging",
        "Yu et al., arXiv 2409.06963",
        "It is a learned down-sampling layer between the stages of hierarchical ViTs, and takes no tokens "
        "away from a plain one.",
    ),
    Elsewhere(
        "DTEM", "Lee and Hong, NeurIPS 2024", "It finds similar tokens by an embedding that is learned."
    ),
    Elsewhere(
        "DiffRate",
        "Chen et al., ICCV 2023",
        "How many tokens each layer prunes and merges is learned.",
    ),
    Elsewhere(
        "CTS",
        "Lu, de Geus and Dubbelman, CVPR 2023",
        "A trained policy network chooses the patches that share a token, and the ViT is trained with it.",
    ),
    Elsewhere(
        "STEP",
        "Proust et al., VISAPP 2025",
        "A trained policy network chooses the patches that share a token, and the ViT is trained with it.",
    ),
    Elsewhere(
        "DToP",
        "Tang et al., ICCV 2023",
        "Easy tokens leave early through heads inside the encoder, and these heads are trained.",
    ),
    Elsewhere("EViT", "Liang et al., ICLR 2022", _CLASS_TOKEN),
    Elsewhere("DynamicViT", "Rao et al., NeurIPS 2021", _CLASS_TOKEN),
    Elsewhere("TPS", "Wei et al., CVPR 2023", _CLASS_TOKEN),
    Elsewhere(
        "LTMP's pruning half",
        "Bonnaerens and Dambre, TMLR 2023",
        "Its thresholds are learned, and pruned tokens leave no dense output.",
    ),
)


def elsewhere_markdown() -> str:
    """The list as a table of docs/other-methods.md."""
    rows = [f"| {one.name} | {one.paper} | {one.why} |" for one in ELSEWHERE]
    return "\n".join(["| Method | Paper | Why it cannot run here |", "|---|---|---|", *rows])
