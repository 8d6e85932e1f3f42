"""The rule that plans: wishes are met by the costs it is given, and no more merges than they need."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from support.made_up_costs import linear, quadratic
from support.slow_rules import found, picture_tokens

import mpm
from mpm.errors import InputError
from mpm.merging.costs import Costs
from mpm.merging.insertion import apply_rule
from mpm.merging.recipe import Recipe
from mpm.merging.rules import budget as module

SHAPE, PATCHES, DEPTH = (8, 6), 48, 6
DEVICES = {"linear": linear(), "slow search": linear(search=0.3, rest=0.5), "quadratic": quadratic()}
PLANS = ["{}@1", "{}@0", "{}@1,3,5", "{}@0,2", "{}@1,3|decode-merged", "{}@1,3|after-attention"]


def run(pictures: torch.Tensor, text: str, costs: Costs, shape=SHAPE) -> tuple[mpm.MergeMap, ...]:
    """The maps of a run whose blocks leave the tokens (B, N, C) as they are."""
    recipe, tokens, maps = Recipe.parse(text), pictures, ()
    for block, call in recipe.insertions:
        context = mpm.Context(
            tokens,
            block=block,
            depth=DEPTH,
            grid=mpm.Grid(*shape, 8),
            counts=maps[-1].counts if maps else None,
            maps=maps,
            plan=recipe.blocks,
            own_blocks=tuple(one for one, other in recipe.insertions if other == call),
            after_attention=recipe.after_attention,
            decodes_all=not recipe.decode_merged,
            costs=lambda: costs,
        )
        maps = (*maps, apply_rule(call, context))
        tokens = maps[-1].merge(tokens)
    return maps


def courses(maps: tuple[mpm.MergeMap, ...]) -> list[tuple[int, ...]]:
    """Tokens that each insertion left, one tuple an image."""
    return list(zip(*(one.counts.tolist() for one in maps), strict=True))


def modelled(costs: Costs, recipe: Recipe, course: tuple[int, ...], patches: int = PATCHES) -> float:
    """Seconds of a run, block by block; of a block that is cut in two the whole at its first length."""
    seconds, tokens, left, merges = costs.seconds("rest", patches), patches, list(course), False
    for block in range(DEPTH):
        before = tokens
        if block in recipe.blocks:
            tokens = left.pop(0)
            if tokens < before:
                seconds += costs.seconds("search", before)
                merges = True
        cut = recipe.after_attention and block in recipe.blocks
        seconds += costs.seconds("block", before if cut else tokens)
    seconds += costs.seconds("decode", tokens if recipe.decode_merged else patches)
    return seconds + (costs.seconds("restore", patches) if merges else 0.0)


def allowed(costs: Costs, speed: float, patches: int = PATCHES) -> float:
    """Seconds that the rule allows itself for a speed of more than one."""
    return (1 - module.RESERVE) * modelled(costs, Recipe(), (), patches) / speed


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("threshold", [1, 0.95, 0, -1])
def test_every_picture_keeps_the_wished_time_or_is_refused(device, plan, threshold):
    costs, met = DEVICES[device], 0
    for speed in (1.01, 1.1, 1.3, 1.6, 2, 3, 5):
        text = plan.format(f"budget({speed},threshold={threshold})")
        try:
            found = courses(run(picture_tokens(*SHAPE, batch=3), text, costs))
        except InputError:
            best = even(costs, Recipe.parse(text), 0.5)
            assert modelled(costs, Recipe.parse(text), best) > allowed(costs, speed)
            continue
        for course in found:
            assert modelled(costs, Recipe.parse(text), course) <= allowed(costs, speed) + 1e-12
        met += 1
    assert met


def even(costs: Costs, recipe: Recipe, share: float, tokens: int = PATCHES) -> tuple[int, ...]:
    course = []
    for _ in recipe.blocks:
        tokens = max(tokens - int(share * tokens), 1)
        course.append(tokens)
    return tuple(course)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("speed", [1.06, 1.21, 1.41])
@pytest.mark.parametrize("threshold", [1, -1])
def test_one_insertion_takes_exactly_what_the_wish_needs(device, speed, threshold):
    costs, recipe = DEVICES[device], Recipe.parse(f"budget({speed},threshold={threshold})@0|decode-merged")
    fits = [m for m in range(1, PATCHES + 1) if modelled(costs, recipe, (m,)) <= allowed(costs, speed)]
    assert courses(run(picture_tokens(*SHAPE), str(recipe), costs)) == [(max(fits),)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("speed", [1.06, 1.21, 1.41])
def test_where_nothing_is_alike_the_first_takes_the_least_even_share(device, speed):
    costs, recipe = DEVICES[device], Recipe.parse(f"budget({speed},threshold=1)@0,2,4|decode-merged")
    shares = [step / 64 for step in range(33)]
    fits = [even(costs, recipe, one) for one in shares]
    first = next(one for one in fits if modelled(costs, recipe, one) <= allowed(costs, speed))
    assert courses(run(picture_tokens(*SHAPE), str(recipe), costs))[0][0] == first[0]


@pytest.mark.parametrize("threshold", [1, 0.9, -1])
def test_a_stronger_wish_never_leaves_more_tokens(threshold):
    ends = []
    for speed in (1, 1.05, 1.1, 1.2, 1.4, 1.6, 1.8, 2):
        text = f"budget({speed},threshold={threshold})@0,2,4|decode-merged"
        ends.append(
            [course[-1] for course in courses(run(picture_tokens(*SHAPE, batch=3), text, quadratic()))]
        )
    assert (np.diff(ends, axis=0) <= 0).all()


def test_milliseconds_are_a_wish_as_well():
    costs = linear(rest=0.5)
    plain_ms = 1000 * modelled(costs, Recipe(), ())
    by_speed = run(picture_tokens(*SHAPE), "budget(1.25)@1,3|decode-merged", costs)
    by_time = run(picture_tokens(*SHAPE), f"budget(ms={plain_ms / 1.25})@1,3|decode-merged", costs)
    assert all(torch.equal(one.index, two.index) for one, two in zip(by_speed, by_time, strict=True))


@pytest.mark.parametrize("wish", ["1", f"ms={1000 * modelled(linear(), Recipe(), ()) + 0.1}"])
def test_what_holds_without_merging_needs_no_search(wish, monkeypatch):
    def grow(*_):
        raise AssertionError("somebody searched")

    monkeypatch.setattr(module, "grow", grow)
    for merge_map in run(picture_tokens(*SHAPE, batch=2), f"budget({wish})@1,3", linear()):
        assert merge_map.index.tolist() == [list(range(PATCHES))] * 2 and merge_map.evidence is None


def test_as_soon_as_the_wish_is_met_nobody_searches():
    maps = run(picture_tokens(*SHAPE), "budget(1.2,threshold=-1)@0,2,4|decode-merged", linear())
    assert [one.evidence is None for one in maps] == [False, True, True]


@pytest.mark.parametrize(("wish", "more", "unit"), [("{}", 0.2, "times"), ("ms={}", -0.2, "ms")])
def test_a_wish_that_cannot_be_met_says_what_can(wish, more, unit):
    wanted, costs, tokens = (90 if unit == "times" else 0.1), linear(rest=0.5), picture_tokens(*SHAPE)
    with pytest.raises(InputError, match="cannot be met: on this device this recipe reaches about") as caught:
        run(tokens, f"budget({wish.format(wanted)})@1,3|decode-merged", costs)
    best = float(re.search(rf"about ([0-9.]+) {unit}", str(caught.value))[1])
    run(tokens, f"budget({wish.format(best)})@1,3|decode-merged", costs)
    with pytest.raises(InputError, match=f"reaches about {best:g} {unit}"):
        run(tokens, f"budget({wish.format(round(best + more, 2))})@1,3|decode-merged", costs)


def test_an_image_is_the_same_alone_and_in_a_batch():
    noises, text = (0.0, 0.2, 0.4, 2.0), "budget(1.3,threshold=0.9)@0,2,4|decode-merged"
    pictures = torch.cat([picture_tokens(*SHAPE, noise=noise) for noise in noises])
    together = run(pictures, text, quadratic())
    assert len(set(courses(together))) > 1, "there must be padding"
    again = run(pictures, text, quadratic())
    for image in range(4):
        alone = run(pictures[image : image + 1], text, quadratic())
        for own, other, same in zip(alone, together, again, strict=True):
            rows = own.index.shape[1]
            assert own.index[0].tolist() == other.index[image, :rows].tolist()
            assert (other.index[image, rows:] == -1).all() and torch.equal(other.index, same.index)


@pytest.mark.parametrize(
    "text", ["mutual@0+budget(1.2)@1,3", "budget(1.2)@1+mutual@3", "budget(1.2)@1+windows@2+budget(1.2)@3"]
)
def test_other_rules_beside_it_are_counted_on_for_nothing(text):
    costs, recipe = linear(search=0.1), Recipe.parse(f"{text}|decode-merged")
    foreign = [block for block, call in recipe.insertions if call.name != "budget"]
    for course in courses(run(picture_tokens(*SHAPE, batch=3), str(recipe), costs)):
        seconds, before = modelled(costs, recipe, course), (PATCHES, *course)
        for place, block in enumerate(recipe.blocks):  # they look, whether they take anything or not
            if block in foreign and before[place] == before[place + 1]:
                seconds += costs.seconds("search", before[place])
        assert seconds <= allowed(costs, 1.2) + 1e-12


def test_behind_another_rule_a_wish_is_checked_all_the_same():
    with pytest.raises(InputError, match="90 times as fast cannot be met"):
        run(picture_tokens(*SHAPE), "mutual@0+budget(90)@1,3", linear())


def test_two_wishes_are_two_rules():
    maps = run(picture_tokens(*SHAPE), "budget(1.3)@1+budget(1.1)@3|decode-merged", linear())
    assert courses(maps)[0][0] == courses(maps)[0][1], "the first met both"


def test_inside_of_a_block_more_has_to_go():
    plain, cut = (
        courses(run(picture_tokens(*SHAPE), f"budget(1.2,threshold=1)@1|{options}", linear()))[0]
        for options in ("decode-merged", "decode-merged,after-attention")
    )
    assert cut < plain


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (2, 2), (1, 9)])
@pytest.mark.parametrize("wish", ["1", "1.01", "1.3", "3", "ms=0.1", "ms=1e6"])
def test_tiny_pictures(shape, wish):
    patches = shape[0] * shape[1]
    try:
        maps = run(picture_tokens(*shape), f"budget({wish})@0,2,4|decode-merged", linear(), shape)
    except InputError as error:
        assert "cannot be met" in str(error) and wish not in ("1", "ms=1e6")
        return
    (course,) = courses(maps)
    assert patches >= course[0] and all(one >= two >= 1 for one, two in zip(course, course[1:], strict=False))


def test_without_a_wish_it_is_regions_and_asks_no_device():
    for rule, threshold in (("budget(threshold=0.9)", 0.9), ("budget", 0.95)):
        own, other = (
            found(picture_tokens(*SHAPE, batch=2), text, grid=mpm.Grid(*SHAPE, 8))
            for text in (rule, f"regions({threshold})")
        )
        assert torch.equal(own.index, other.index)


def test_only_a_wish_looks_ahead():
    for text, looks in (("budget(2)", True), ("budget(ms=9)", True), ("budget(threshold=0.9)", False)):
        assert Recipe.parse(f"{text}@1").looks_ahead is looks
        assert Recipe.parse(f"windows@0+{text}@1").looks_ahead is looks
    assert not Recipe.parse("regions@1").looks_ahead and not Recipe().looks_ahead


def test_a_rule_that_always_looks_ahead(no_rule_stays):
    mpm.rule("seer", title="Seer", source="a test", looks_ahead=True)(
        lambda tokens, context: module.nobody(tokens, context.counts)
    )
    assert Recipe.parse("seer@1").looks_ahead


def test_two_wishes_are_refused():
    with pytest.raises(InputError, match="speed or ms, not both"):
        run(picture_tokens(*SHAPE), "budget(2,ms=3)@1", linear())


def test_where_nobody_measures_there_is_no_wish():
    with pytest.raises(InputError, match="in a segmenter's run only"):
        found(picture_tokens(*SHAPE), "budget(2)", grid=mpm.Grid(*SHAPE, 8))


def test_a_vit_alone_has_no_costs(tiny):
    vit = mpm.apply(tiny.encoder, "budget(2)@1")
    with pytest.raises(InputError, match="in a segmenter's run only"):
        vit(torch.zeros(1, 3, 32, 48))
    vit.recipe = "budget(threshold=0.9)@1"
    assert vit(torch.zeros(1, 3, 32, 48)).isfinite().all()


def test_it_says_why_nothing_merged(tiny, smooth_image, monkeypatch):
    monkeypatch.setattr(tiny, "costs", linear)
    trace = tiny.segment(smooth_image, "budget(1)@1").trace
    assert {trace.why(patch, 0) for patch in range(trace.grid.size)} == {
        "not merged: the wish was met without"
    }
    trace = tiny.segment(smooth_image, "budget(1.1)@0").trace
    assert any(trace.why(patch, 0).startswith("merged into the region") for patch in range(trace.grid.size))
