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
from mpm.merging.rule import find_rule
from mpm.merging.rule_call import RuleCall


@dataclass(frozen=True)
class ModelShape:
    """What a name's text depends on.

    depth, width  blocks of the encoder, and channels of its tokens
    recipes       texts of the names that were chosen for this very model, such as "fast"
    changed       of thresholds the per cent of pixels whose class changes, as `mpm calibrate` found them
    """

    depth: int
    width: int = 0
    recipes: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[tuple[float, float], ...] = ()


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
        return self.name not in (*DEFAULTS, "adaptive")

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
    call, _, options = text.partition("|")
    name, inside = split_call(call)
    if name not in _NAMED:
        return text
    one, what = _NAMED[name], f"Recipe {name}"
    if inside is None:
        problem = "stands alone: its blocks are the model's" if ")" in call else "needs its closing bracket"
        raise InputError(f"{what} {problem}")
    arguments = check_arguments(what, one.parameters, read_arguments(what, one.parameters, inside))
    own = one.text(shape, None, **arguments)
    return _with_options(own, options) if options.strip() else own


def _with_options(text: str, options: str) -> str:
    """A recipe's text with more options, each once; "copy" takes the place of "residual"."""
    merges, _, own = text.partition("|")
    more = [word.strip().lower() for word in options.split(",")]
    kept = [word for word in own.split(",") if word and not (word == "residual" and "copy" in more)]
    return f"{merges}|{','.join(dict.fromkeys([*kept, *more]))}"


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


@_named("Adaptive", "this project")
def adaptive(
    shape: ModelShape,
    _: None,
    speed: Annotated[float | None, Range(1, 100)] = None,
    *,
    ms: Annotated[float | None, Range(0.1, 1e6)] = None,
    loss: Annotated[float | None, Range(0, 100)] = None,
) -> str:
    """Where and how much is the picture's own: at least so many times as fast, left out twice.

    ms: at most so many milliseconds. loss: at most so many per cent of the pixels change their class, on
    average, as calibrated.
    """
    if sum(wish is not None for wish in (speed, ms, loss)) > 1:
        raise InputError("Recipe adaptive takes one wish: speed, ms or loss, such as adaptive(2)")
    if loss is not None:
        return budget_text(shape.depth, threshold=_threshold_for(loss, shape))
    return budget_text(shape.depth, speed=2.0 if speed is None and ms is None else speed, ms=ms)


def budget_text(depth: int, **arguments: float | None) -> str:
    """The adaptive recipe by rule `budget` with these arguments. Who calibrates runs the same."""
    return scaled(f"{_call('budget', **arguments)}@1,3,5|decode-merged,residual,sizes", depth)


def _threshold_for(loss: float, shape: ModelShape) -> float:
    """The lowest calibrated threshold that changes no more pixels than these per cent."""
    if not shape.changed:
        raise InputError("This model is not calibrated, so a loss cannot be wished for: see `mpm calibrate`")
    fitting = [threshold for threshold, changed in shape.changed if changed <= loss]
    if not fitting:
        least = min(changed for _, changed in shape.changed)
        raise InputError(
            f"A loss of {loss:g} % cannot be met: merging changes {least:.2g} % of the pixels or more"
        )
    return min(fitting)


@_named("ToMe, as published", "Bolya et al.: ToMe, ICLR 2023")
def tome(shape: ModelShape, _: None, count: Annotated[int, Range(low=1)] = 16) -> str:
    """So many tokens less in every block, between attention and MLP, by the keys, size-weighted.

    log(size) is added to every key's attention logit. For masks each patch gets its group's token back.
    """
    return f"{_call('bipartite', count=count, keys=True)}@{_all(shape)}|after-attention,sizes"


@_named("ALGM, as published", "Norouzi et al.: ALGM, CVPR 2024")
def algm(shape: ModelShape, _: None, threshold: Annotated[float | None, Range(-1, 1)] = None) -> str:
    """Windows in the first block, bipartite by mean + std / layer near the middle, decoded merged.

    threshold: of the windows; published for ADE20K by the model's size, which is what is taken without one.
    """
    threshold = _published_threshold(shape.width) if threshold is None else threshold
    windows = f"{_call('windows', threshold=threshold)}@0"
    layer = min(7 if shape.depth > 12 else 5, shape.depth)
    if layer == 1:
        return f"{windows}|after-attention,decode-merged,weighted"
    bipartite = f"{_call('bipartite', std=round(1 / layer, 4))}@{layer - 1}"
    return f"{windows}+{bipartite}|after-attention,decode-merged,weighted"


@_named("G2TM, as published", "Bercy et al.: G2TM, VISAPP 2026")
def g2tm(shape: ModelShape, _: None, threshold: Annotated[float, Range(-1, 1)] = 0.88) -> str:
    """Connected patches become one, once, in the second block, between attention and MLP."""
    return f"{_call('graph', threshold=threshold)}@{min(1, shape.depth - 1)}|after-attention"


@_named("LTMP's merging half, ours", "after Bonnaerens and Dambre: LTMP, TMLR 2023; frozen by this project")
def ltmp(shape: ModelShape, _: None, threshold: Annotated[float, Range(-1, 1)] = 0.9) -> str:
    """Bipartite above one fixed threshold in every block; LTMP learns one a block, and prunes as well."""
    return f"{_call('bipartite', above=threshold, keys=True)}@{_all(shape)}|after-attention,sizes"


DEFAULTS = {
    "light": "regions@0,1|decode-merged,residual,sizes",
    "fast": "regions@0+regions(largest=6)@1+3|decode-merged,residual,sizes",
    "fastest": "regions@0+regions(largest=6)@1+2,4|decode-merged,residual,sizes",
}
"""For twelve blocks: chosen for streets-vit-tiny on CamVid's training drives, synthetic streets of training
seeds and the agreement with the unmerged masks of other photographs. Other models want `mpm calibrate`."""


def _chosen(name: str, shape: ModelShape) -> str:
    text = shape.recipes.get(name)
    return scaled(DEFAULTS[name], shape.depth) if text is None else text


def scaled(text: str, depth: int) -> str:
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


def _call(name: str, **arguments: object) -> str:
    """A rule with its arguments, as recipes write it."""
    return str(RuleCall.of(find_rule(name), arguments))


def _all(shape: ModelShape) -> str:
    return ",".join(map(str, range(shape.depth)))


def _published_threshold(width: int) -> float:
    """ADE20K's, by the width of ViT-T, S, B and L."""
    known = {192: 0.90, 384: 0.88, 768: 0.94, 1024: 0.95}
    return known[min(known, key=lambda one: abs(one - width))]
