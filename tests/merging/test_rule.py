"""Registering rules: signatures, parameters, files of one's own, answers that are no map."""

from __future__ import annotations

from typing import Annotated

import pytest
import torch
from support.own_rule import STRIPES

import mpm
from mpm.merging import rule as registry
from mpm.merging.insertion import apply_rule
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import RuleCall

pytestmark = pytest.mark.usefixtures("no_rule_stays")


@pytest.fixture
def stripes(tmp_path):
    path = tmp_path / "my_rules.py"
    path.write_text(STRIPES)
    mpm.load_rules(path)
    return registry.find_rule("stripes")


def test_a_file_of_ones_own(stripes, tiny, smooth_image):
    assert stripes.describe() == {
        "name": "stripes",
        "title": "Stripes",
        "source": "an example",
        "about": "Join every `width` tokens that follow each other.",
        "parameters": [
            {"name": "width", "kind": "int", "default": 2, "is_optional": False, "is_named": False}
        ],
    }
    run = tiny.segment(smooth_image, "stripes(3)@1+2")
    start, striped, paired = run.trace.token_counts
    assert striped == -(-start // 3) > paired
    assert str(run.recipe) == "stripes(3)@1+2" and run.trace.stages[0].rule == "stripes(3)"
    assert run.trace.stages[0].partner[:4].tolist() == [-1, 0, 0, -1]
    assert run.trace.why(1, 0) == "merged with row 0, column 0"
    assert run.trace.why(0, 0) == "merged: others joined it"
    assert str(Recipe.parse("stripes(width=3)@1")) == "stripes(3)@1"
    assert str(Recipe.parse("stripes(2)@1")) == "stripes@1"
    assert mpm.rules()[-1] is stripes and mpm.rules()[0].name == "mutual"


def test_a_rule_that_fails_is_named(stripes, tiny, smooth_image):
    with pytest.raises(mpm.InputError, match=r"Rule stripes\(0\) failed: \w+Error: .*Zero"):
        tiny.segment(smooth_image, "stripes(0)@1")
    with pytest.raises(mpm.InputError, match="Rule stripes: width must be a whole number, but got 'wide'"):
        tiny.segment(smooth_image, "stripes(wide)@1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit('no')", "SystemExit: no"),
        ("x = 1", "registers no rule"),
        (STRIPES.replace('"stripes"', '"mutual"'), "There is a rule mutual already"),
        (STRIPES.replace("width: int = 2", "width"), "Parameter 'width' of a rule needs a default"),
        (STRIPES.replace('"stripes"', '"Stripes!"'), "A rule's name is"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_leaves_nothing(tmp_path, text, words):
    path = tmp_path / "bad.py"
    path.write_text(text)
    before = mpm.rules()
    with pytest.raises(mpm.InputError, match=words) as refused:
        mpm.load_rules(path)
    assert "bad.py" in str(refused.value) and "\n" not in str(refused.value)
    assert mpm.rules() == before


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(mpm.InputError, match="FileNotFoundError"):
        mpm.load_rules(tmp_path / "nowhere.py")
    with pytest.raises(mpm.InputError, match="no Python file"):
        mpm.load_rules(tmp_path / "rules.txt")


def test_a_name_means_one_rule_but_a_cell_may_run_again():
    def make(title):
        @mpm.rule("again", title=title, source="a notebook")
        def again(tokens, context):
            return mpm.mutual_pairs(tokens)

        return again

    make("first")
    assert make("second").title == "second" and registry.find_rule("again").title == "second"
    with pytest.raises(mpm.InputError, match="There is a rule again already: second"):

        @mpm.rule("again", title="another", source="elsewhere")
        def other(tokens, context):
            return mpm.mutual_pairs(tokens)


def test_parameters_are_read_from_the_signature():
    @mpm.rule("all-kinds", title="All kinds", source="a test")
    def all_kinds(
        tokens,
        context,
        share: Annotated[float, mpm.Range(0, 0.5)] = 0.25,
        *,
        limit: int | None = None,
        strict: bool = False,
        way: str = "best",
    ):
        return mpm.mutual_pairs(tokens)

    def text(given):
        return str(Recipe.parse(f"all-kinds({given})@1"))

    assert text("0.5") == "all-kinds(0.5)@1" == text("share=.5") == text("5e-1")
    assert text("0") == "all-kinds(0)@1" and text("0.25") == "all-kinds@1"
    assert text("limit=3,strict=TRUE,way=worst") == "all-kinds(limit=3,strict=true,way=worst)@1"
    assert text("way=best,limit=none") == "all-kinds@1"
    for given, words in {
        "0.6": "share must be a number, 0 to 0.5, but got 0.6",
        "nan": "share must be a number, 0 to 0.5",
        "strict=1": "strict must be true or false",
        "limit=1.5": "limit must be a whole number, or none",
        "way=a b": "way must be a word",
        ".1,2": "no parameter",
    }.items():
        with pytest.raises(mpm.InputError, match=words):
            text(given)


def wrong(index, counts=None):
    index = torch.tensor(index)
    return lambda tokens, context: mpm.MergeMap(index, torch.tensor(counts) if counts else index.amax(1) + 1)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda tokens, context: tokens, "must return a MergeMap, but got Tensor"),
        (wrong([[0, 1, 2]]), r"its index is \(1, 3\) for tokens \(1, 4, 2\)"),
        (wrong([[0, 0, 2, 2]]), "numbers must be 0 to 2"),
        (wrong([[1, 0, 1, 0]]), "by their first tokens"),
        (wrong([[0, 1, 0, 1]], [3]), "numbers must be 0 to 2"),
        (wrong([[0, -1, 0, 1]]), "a token is lost"),
        (lambda tokens, context: mpm.mutual_pairs(tokens).compose(mpm.mutual_pairs(tokens)), "composed map"),
        (lambda tokens, context: mpm.MergeMap(torch.tensor([[5, 0, 0, 0]]), torch.tensor([1])), "ValueError"),
    ],
)
def test_an_answer_that_is_no_map_of_the_tokens(answer, words):
    mpm.rule("wrong", title="Wrong", source="a test")(answer)
    tokens = torch.randn(1, 4, 2, generator=torch.Generator().manual_seed(0))
    with pytest.raises(mpm.InputError, match=f"Rule wrong .*{words}"):
        apply_rule(RuleCall("wrong"), mpm.Context(tokens))


def test_padding_must_stay_apart():
    mpm.rule("greedy", title="Greedy", source="a test")(wrong([[0, 0, 1, 1], [0, 1, 2, 2]]))
    context = mpm.Context(torch.randn(2, 4, 2), counts=torch.tensor([4, 3]))
    with pytest.raises(mpm.InputError, match="padding"):
        apply_rule(RuleCall("greedy"), context)


def test_what_a_rule_may_know(tiny, smooth_image):
    seen = []

    @mpm.rule("curious", title="Curious", source="a test")
    def curious(tokens, context):
        keys = context.keys()
        seen.append((context.block, context.depth, context.positions, context.sizes, keys, tokens))
        assert context.grid.size == context.sizes.sum()
        return mpm.mutual_pairs(tokens, context.counts)

    run = tiny.segment(smooth_image, "curious@1,3")
    for number, (block, depth, positions, sizes, keys, tokens) in enumerate(seen):
        assert (block, depth) == (run.recipe.blocks[number], 4)
        assert positions[0].tolist() == run.trace.stages[number].position.tolist()
        _, expected = torch.unique(torch.from_numpy(run.trace.groups(number)), return_counts=True)
        assert sizes[0].tolist() == expected.tolist()
        attn = tiny.encoder.blocks[block].attn
        norm = tiny.encoder.blocks[block].norm1
        direct = attn.qkv(norm(tokens)).unflatten(2, (3, attn.num_heads, -1))[:, :, 1].transpose(1, 2)
        assert torch.allclose(keys, direct, atol=1e-6) and keys.shape[1:3] == (2, tokens.shape[1])
    with pytest.raises(ValueError, match="in a run only"):
        mpm.Context(torch.zeros(1, 2, 3)).keys()
