"""Recipes: one value, one text that reads back, one sentence for what is no recipe."""

from __future__ import annotations

import pickle

import pytest

import mpm
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import RuleCall
from mpm.merging.windowed import windowed_pairs


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("none", "none"),
        ("", "none"),
        (None, "none"),
        ([], "none"),
        ("2,5", "2,5"),
        (" {5, 2} ", "2,5"),
        ("(2, 5)", "2,5"),
        ((5, 2, 2), "2,5"),
        (mpm.PAPER, "2,5"),
        ("2+5", "2,5"),
        ("mutual@5,2", "2,5"),
        ("mutual()@2", "2"),
        ("MUTUAL@2", "2"),
        ("mutual( window = 4 )@2,5", "mutual(window=4)@2,5"),
        ("mutual(window=none)@2", "2"),
        ("random(seed=0)@8", "random@8"),
        ("random@8+2,5", "2,5+random@8"),
        ("2,5+random@1", "random@1+2,5"),
        ("2,8+random@5", "2,8+random@5"),
        ("2,5|sizes", "2,5|sizes"),
        ("2,5|weighted,sizes", "2,5|sizes"),
        ("2,5|weighted", "2,5|weighted"),
        ("2,5|432px,sizes,decode-merged", "2,5|decode-merged,sizes,432px"),
        ("2,5|copy", "2,5"),
        ("2,5|sizes,residual", "2,5|residual,sizes"),
        ("2,5|decode-merged,after-attention", "2,5|after-attention,decode-merged"),
        ("none|residual,after-attention", "none"),
        ("2,5|432px,round32,sizes", "2,5|sizes,round32,432px"),
        ("2,5|ROUND08", "2,5|round8"),
        ("2,5|round16,round32", "2,5|round32"),
        ("2,5|round1", "2,5"),
        ("none|round32", "none"),
        ("none|432px", "none|432px"),
        ("none|sizes,decode-merged", "none"),
        ("|96px", "none|96px"),
    ],
)
def test_every_spelling_has_one_text_that_reads_back(given, text):
    recipe = Recipe.parse(given)
    assert str(recipe) == text
    assert Recipe.parse(text) == recipe and hash(Recipe.parse(text)) == hash(recipe)
    assert str(Recipe.parse(str(recipe))) == text
    assert pickle.loads(pickle.dumps(recipe)) == recipe


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2,x", "not understood"),
        ("2;5", "not understood"),
        ("-1", "not understood"),
        ("²", "not understood"),
        ("2@", "no rule '2'"),
        ("nobody@2", "no rule 'nobody': choose one of mutual, "),
        ("random", "not understood"),
        ("random@", "random needs blocks"),
        ("random@none", "random needs blocks"),
        ("random(@2", "random needs its closing bracket"),
        (
            "random(speed=1)@2",
            r"random has no parameter 'speed': it takes seed \(a whole number, 0 or more\)",
        ),
        ("random(7)@2", "random has no parameter"),
        ("random(seed=1,seed=2)@2", "seed twice"),
        ("random(seed=-1)@2", "seed must be a whole number, 0 or more, but got -1"),
        ("random(seed=x)@2", "seed must be a whole number"),
        ("mutual(window=0)@2", "Rule mutual: window must be a whole number, 1 or more, or none, but got 0"),
        ("2,5+random@5", "block 5 has two"),
        ("2,5|fast", "no option 'fast': give after-attention, decode-merged, residual"),
        ("2,5|", "no option ''"),
        ("2,5|copy,residual", "by copy or residual, not by both"),
        ("2,5|0px", "1 to 65536 px"),
        ("2,5|99999999px", "1 to 65536 px"),
        ("2,5|round0", "names a number of 1 to 8192, but got round0"),
        ("2,5|round8193", "but got round8193"),
        ("2,5|round-3", "but got 'round-3'"),
        ("2,5|round", "but got 'round'"),
        ("2,5|round3.5", "but got 'round3.5'"),
        ("2,5|round" + "9" * 300, "but got 'round999"),
        ("1," * 500, "at most 400 characters"),
    ],
)
def test_a_bad_text_is_one_short_sentence(text, words):
    with pytest.raises(mpm.InputError, match=words) as refused:
        Recipe.parse(text)
    assert len(str(refused.value)) < 300 and "\n" not in str(refused.value)


def test_what_a_recipe_knows():
    recipe = Recipe.parse("random@1+2,5|sizes")
    assert recipe.blocks == (1, 2, 5) and len(recipe) == 3
    assert recipe.schedule == mpm.Schedule((1, 2, 5))
    assert recipe.at(1) == RuleCall("random") and recipe.at(5) == RuleCall() and recipe.at(3) is None
    assert recipe.weighted and recipe.sizes and not recipe.decode_merged
    assert recipe.check(6) is recipe
    with pytest.raises(mpm.InputError, match="0 to 4"):
        recipe.check(5)
    assert str(recipe.with_rule(RuleCall("random"))) == "random@1,2,5|sizes"


def test_a_file_name_can_hold_it():
    assert Recipe.parse("2,5").slug == "2-5"
    assert Recipe.parse("mutual(window=4)@2,5|decode-merged").slug == "mutual-window-4-2-5-decode-merged"
    assert Recipe.parse("none|432px").slug == "none-432px"


def test_functions_of_the_box_are_known_by_their_names():
    recipe = Recipe.parse("2,5")
    assert recipe.with_merger(None) is recipe and recipe.with_merger(mpm.mutual_pairs) is recipe
    assert str(recipe.with_merger(mpm.random_pairs)) == "random@2,5"
    assert str(recipe.with_merger(windowed_pairs(3))) == "mutual(window=3)@2,5"
    assert str(Recipe.parse("random@1+2").with_merger(windowed_pairs(3))) == "random@1+mutual(window=3)@2"


def test_a_function_of_ones_own_has_a_text_that_cannot_be_read_back():
    def mine(tokens, counts, grid):
        return mpm.mutual_pairs(tokens, counts)

    recipe = Recipe.parse("2").with_merger(mine)
    assert str(recipe) == "<mine>@2" and recipe != Recipe.parse("2")
    with pytest.raises(mpm.InputError, match="no rule '<mine>'"):
        Recipe.parse(str(recipe))
