"""Recipes with a name: published methods in their own places, and those chosen for a model.

    tome(16)              as ToMe was published: its text depends on the model's depth
    fast|432px            options are added to the name's own

A name is read where a model is known, and what is run, shown and kept is its text: `expand("g2tm", shape)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from mpm.errors import InputError
from mpm.merging.arguments import check_arguments, read_arguments, split_call
from mpm.merging.parameters import Parameter, Range, parameters_of


@dataclass(frozen=True)
class ModelShape:
    """What a name's text depends on.

    depth, width  blocks of the encoder, and channels of its tokens
    recipes       texts of the names that were chosen for this very model, such as "fast"
    """

    depth: int
    width: int = 0
    recipes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NamedRecipe:
    """A name with its parameters.

    source  who published it; for those of this project, that they are
    text    (shape, None, **arguments) -> the recipe's text
    """

    name: str
    title: str
    source: str
    about: str
    parameters: tuple[Parameter, ...]
    text: Callable[..., str]

    @property
    def is_published(self) -> bool:
        """Whether it stands for a published method; else it was chosen for the model."""
        return self.name not in DEFAULTS

    def describe(self, text: str) -> dict[str, Any]:
        """Plain values, for menus and programs. text: the recipe's, spelled out for a model."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "about": self.about,
            "is_published": self.is_published,
            "text": text,
        }


_NAMED: dict[str, NamedRecipe] = {}


def _named(title: str, source: str) -> Callable[[Callable[..., str]], Callable[..., str]]:
    def register(function: Callable[..., str]) -> Callable[..., str]:
        about = " ".join((function.__doc__ or "").split())
        parameters = parameters_of(function)
        _NAMED[function.__name__] = NamedRecipe(function.__name__, title, source, about, parameters, function)
        return function

    return register


def named_recipes() -> tuple[NamedRecipe, ...]:
    """All names: those chosen for a model first, then what others published."""
    return tuple(_NAMED.values())


def name_in(text: str) -> str | None:
    """The name that a recipe's text begins with; None where it has none."""
    name, _ = split_call(text.partition("|")[0])
    return name if name in _NAMED else None


def expand(text: str, shape: ModelShape) -> str:
    """The recipe's text with a name spelled out for a model; any other text as it is.

    Raises InputError for arguments that the name does not take, and for a model without such blocks.
    """
    call, bar, options = text.partition("|")
    name, inside = split_call(call)
    if name not in _NAMED:
        return text
    one, what = _NAMED[name], f"recipe {name}"
    if inside is None:
        raise InputError(f"{what} needs its closing bracket")
    arguments = check_arguments(what, one.parameters, read_arguments(what, one.parameters, inside))
    own = one.text(shape, None, **arguments)
    return f"{own}{',' if '|' in own else '|'}{options}" if bar and options.strip() else own


@_named("Light", "chosen by this project, without labels of the data it reports")
def light(shape: ModelShape, _: None) -> str:
    """Loses next to nothing."""
    return _chosen("light", shape)


@_named("Fast", "chosen by this project, without labels of the data it reports")
def fast(shape: ModelShape, _: None) -> str:
    """About twice as fast."""
    return _chosen("fast", shape)


@_named("Fastest", "chosen by this project, without labels of the data it reports")
def fastest(shape: ModelShape, _: None) -> str:
    """As fast as a small loss allows."""
    return _chosen("fastest", shape)


@_named("ToMe, as published", "Bolya et al.: ToMe, ICLR 2023")
def tome(shape: ModelShape, _: None, count: Annotated[int, Range(low=1)] = 16) -> str:
    """So many tokens less in every block, between attention and MLP, by the keys, size-weighted.

    log(size) is added to every key's attention logit. For masks each patch gets its group's token back.
    """
    return f"bipartite(count={count},keys=true)@{_all(shape)}|after-attention,sizes"


@_named("ALGM, as published", "Norouzi et al.: ALGM, CVPR 2024")
def algm(shape: ModelShape, _: None, threshold: Annotated[float | None, Range(-1, 1)] = None) -> str:
    """Windows in the first block, bipartite by mean + std / layer near the middle, decoded merged.

    threshold: of the windows; published for ADE20K by the model's size, which is what is taken without one.
    """
    threshold = _published_threshold(shape.width) if threshold is None else threshold
    windows = f"windows({threshold:g})@0"
    layer = min(7 if shape.depth > 12 else 5, shape.depth)
    if layer == 1:
        return f"{windows}|after-attention,decode-merged,weighted"
    std = round(1 / layer, 4)
    return f"{windows}+bipartite(std={std:g})@{layer - 1}|after-attention,decode-merged,weighted"


@_named("G2TM, as published", "Bercy et al.: G2TM, VISAPP 2026")
def g2tm(shape: ModelShape, _: None, threshold: Annotated[float, Range(-1, 1)] = 0.88) -> str:
    """Connected patches become one, once, in the second block, between attention and MLP."""
    return f"graph({threshold:g})@{min(1, shape.depth - 1)}|after-attention"


@_named("LTMP's merging half, ours", "after Bonnaerens and Dambre: LTMP, TMLR 2023; frozen by this project")
def ltmp(shape: ModelShape, _: None, threshold: Annotated[float, Range(-1, 1)] = 0.9) -> str:
    """Bipartite above one fixed threshold in every block; LTMP learns one a block, and prunes as well."""
    return f"bipartite(above={threshold:g},keys=true)@{_all(shape)}|after-attention,sizes"


DEFAULTS = {
    "light": "2,5|decode-merged,residual,sizes",
    "fast": "windows(0.97)@1+2,4,6|residual,sizes",
    "fastest": "windows(0.97)@1+2,4,6|decode-merged,residual,sizes",
}
"""For a model of twelve blocks for which nobody chose: see `mpm calibrate`."""


def _chosen(name: str, shape: ModelShape) -> str:
    text = shape.recipes.get(name)
    return _scaled(DEFAULTS[name], shape.depth) if text is None else text


def _scaled(text: str, depth: int) -> str:
    """A text for twelve blocks over another depth: insertions at the same shares of it, each block once."""
    merges, bar, options = text.partition("|")
    taken: set[int] = set()
    stages = []
    for stage in merges.split("+"):
        rule, at, blocks = stage.rpartition("@")
        wanted = [int(block) * depth // 12 for block in blocks.split(",")]
        own = [block for block in dict.fromkeys(wanted) if block not in taken]
        taken.update(own)
        if own:
            stages.append(f"{rule}{at}{','.join(map(str, own))}")
    return "+".join(stages) + bar + options


def _all(shape: ModelShape) -> str:
    return ",".join(map(str, range(shape.depth)))


def _published_threshold(width: int) -> float:
    """ADE20K's, by the width of ViT-T, S, B and L."""
    known = {192: 0.90, 384: 0.88, 768: 0.94, 1024: 0.95}
    return known[min(known, key=lambda one: abs(one - width))]
