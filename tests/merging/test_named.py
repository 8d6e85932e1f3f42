"""Names of recipes: what they spell out, what is refused, and whose word counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import timm

import mpm
from mpm.cli.recipes import check_recipes
from mpm.errors import InputError
from mpm.merging.named import DEFAULTS, ModelShape, expand, name_in, named_recipes
from mpm.merging.recipe import Recipe
from mpm.segmenters.config import SegmenterConfig

NAMES = [one.name for one in named_recipes()]
ALONE = [name for name in NAMES if name != "adaptive"]
WISHES = ["adaptive(2)", "adaptive(1.25)"]
TWELVE = ModelShape(12, 192)


@pytest.mark.parametrize("name", [*ALONE, *WISHES, "tome(4)", "algm(0.95)", "g2tm(0.5)", "ltmp(1)"])
@pytest.mark.parametrize("depth", [1, 3, 4, 12, 24, 40])
@pytest.mark.parametrize("width", [192, 1024])
def test_every_name_has_one_canonical_text(name, depth, width):
    shape = ModelShape(depth, width)
    text = expand(name, shape)
    recipe = Recipe.parse(text).check(depth)
    assert str(recipe) == text and len(recipe) and name_in(text) is None
    assert Recipe.parse(name, shape) == recipe and expand(text, shape) == text
    assert Recipe.parse(f" {name.upper()} ", shape) == recipe


def test_names_are_described():
    assert NAMES[:3] == ["light", "fast", "fastest"] and "tome" in NAMES
    for one in named_recipes():
        assert one.title and one.source and one.about.endswith(".")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("light", DEFAULTS["light"]),
        ("fast|residual", DEFAULTS["fast"]),
        ("fast|Sizes, 432px", DEFAULTS["fast"] + ",432px"),
        ("fast|copy", DEFAULTS["fast"].replace("residual,", "")),
        ("fast|", DEFAULTS["fast"]),
        ("g2tm|copy", "graph@1|after-attention"),
        ("g2tm(0.8812345)|residual", "graph(0.8812345)@1|after-attention,residual"),
        ("algm", "windows(0.9)@0+bipartite(std=0.2)@4|after-attention,decode-merged,weighted"),
        ("algm(none)", "windows(0.9)@0+bipartite(std=0.2)@4|after-attention,decode-merged,weighted"),
        ("2,5|residual", "2,5|residual"),
        ("none", "none"),
    ],
)
def test_options_are_added_once(given, text):
    assert str(Recipe.parse(given, TWELVE)) == text
    words = expand(given, TWELVE).partition("|")[2].split(",")
    assert len(set(words)) == len(words)


def test_the_last_size_counts():
    shape = replace(TWELVE, recipes={"fast": "2,5|400px"})
    assert str(Recipe.parse("fast|sizes,432px", shape)) == "2,5|sizes,432px"
    assert str(Recipe.parse("fast|400px", shape)) == "2,5|400px"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tome(0)", "Recipe tome: count must be a whole number, 1 or more, but got 0"),
        ("tome(x)", "Recipe tome: count must be a whole number, 1 or more, but got 'x'"),
        ("tome(4,5)", "Recipe tome has no parameter '5': it takes count"),
        ("tome(4,count=5)", "count twice"),
        ("tome(r=4)", "Recipe tome has no parameter 'r'"),
        ("tome(" + "9" * 380 + ")", "at most 400 characters"),
        ("tome(4", "Recipe tome needs its closing bracket"),
        ("fast(3)", "Recipe fast has no parameter '3': it takes none"),
        ("g2tm(nan)", "threshold must be a number, -1 to 1, but got nan"),
        ("g2tm(2)", "threshold must be a number, -1 to 1, but got 2"),
        ("fast|banana", "no option 'banana'"),
        ("fast|copy,residual", "by copy or residual, not by both"),
        ("2+fast", "Recipe fast stands alone"),
        ("fast+2", "Recipe fast stands alone"),
        ("2+tome(4)", "Recipe tome stands alone"),
        ("tome(4)+2", "Recipe tome stands alone"),
        ("tome(4)@2", "Recipe tome stands alone"),
        ("fast@2", "no rule 'fast'"),
        ("fast,2", "not understood"),
    ],
)
def test_a_bad_text_is_one_short_sentence(text, words):
    with pytest.raises(mpm.InputError, match=words) as refused:
        Recipe.parse(text, TWELVE)
    assert len(str(refused.value)) < 300 and "\n" not in str(refused.value)
    with pytest.raises(mpm.InputError, match=words):
        check_recipes([text])  # before a model is loaded


@pytest.mark.parametrize("text", ["fast", "FAST", "tome(4)", "fast|432px"])
def test_a_name_needs_a_model(text):
    check_recipes([text])
    with pytest.raises(mpm.InputError, match="stands alone, and is read where a model is known"):
        Recipe.parse(text)


def test_a_whole_number_too_large_for_a_float_is_refused_or_read():
    huge = "9" * 310
    assert str(Recipe.parse(f"random(seed={huge})@2")) == f"random(seed={huge})@2"
    with pytest.raises(mpm.InputError, match="seed must be a whole number, 0 or more"):
        Recipe.parse(f"random(seed=-{huge})@2")


def test_a_model_s_own_recipes_win_and_travel_with_it(tiny_config):
    config = replace(tiny_config, recipes={"fast": "mutual@0+random@2|residual", "later": "1"})
    again = SegmenterConfig.from_json(config.to_json())
    assert dict(again.recipes) == {"fast": "mutual@0+random@2|residual", "later": "1"}
    model = mpm.Segmenter(again)
    assert str(model.read_recipe("fast")) == "0+random@2|residual"
    assert str(model.read_recipe("fast|copy")) == "0+random@2"
    assert str(model.read_recipe("light")) == "regions@0|decode-merged,residual,sizes"
    assert str(mpm.Segmenter(tiny_config).read_recipe("fast")) == ("regions@0+1|decode-merged,residual,sizes")


@pytest.mark.parametrize(
    ("own", "words"),
    [("1,9", "0 to 3"), ("banana", "not understood"), ("", None), ("none|32px", None)],
)
def test_a_bad_recipe_of_the_model_s_own_is_said_when_it_is_asked_for(tiny_config, own, words):
    model = mpm.Segmenter(replace(tiny_config, recipes={"fast": own}))
    if words is None:
        assert not len(model.read_recipe("fast"))
    else:
        with pytest.raises(mpm.InputError, match=words):
            model.read_recipe("fast")


@pytest.mark.parametrize(
    ("recipes", "words"),
    [
        (["ab"], "texts by their names, but got list"),
        ([["fast", "2"]], "texts by their names, but got list"),
        ([], "texts by their names, but got list"),
        ("fast", "texts by their names, but got str"),
        (False, "texts by their names, but got bool"),
        (3, "texts by their names, but got int"),
        ({"fast": 2}, "but got 2 for 'fast'"),
        ({"fast": None}, "but got None for 'fast'"),
        ({"fast": ["2"]}, "texts by their names"),
        ({"fast": "fast"}, "recipe 'fast' must be spelled out, but got 'fast'"),
        ({"light": "tome(4)|residual"}, "recipe 'light' must be spelled out"),
    ],
)
def test_malformed_recipes_of_a_file_are_one_sentence(tiny_config, recipes, words):
    data = {**tiny_config.to_json(), "recipes": recipes}
    with pytest.raises(mpm.InputError, match=words) as refused:
        SegmenterConfig.from_json(data)
    assert "\n" not in str(refused.value)


def test_older_files_have_none(tiny_config):
    data = tiny_config.to_json()
    for older in ({**data, "recipes": None}, {name: data[name] for name in data if name != "recipes"}):
        assert SegmenterConfig.from_json(older).recipes == {}


def test_a_vit_alone_takes_names():
    vit = timm.create_model("vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=24, depth=4)
    merging = mpm.apply(vit, "tome(4)")
    assert str(merging.recipe) == "bipartite(count=4,keys=true)@0,1,2,3|after-attention,sizes"
    merging.recipe = "fast"
    assert str(merging.schedule) == "regions@0+1|residual,sizes", "no decoder here"
    with pytest.raises(mpm.InputError, match="ViT alone"):
        merging.recipe = "1|decode-merged"


OPTIONS = "|decode-merged,residual,sizes"
CHANGED = ((0.99, 0.1), (0.97, 0.4), (0.95, 0.9), (0.9, 2.5))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("adaptive", "budget(2)@1,3,5"),
        ("adaptive(2)", "budget(2)@1,3,5"),
        ("adaptive(speed=1.25)", "budget(1.25)@1,3,5"),
        ("adaptive(ms=120)", "budget(ms=120)@1,3,5"),
        ("adaptive(ms=123456.5)", "budget(ms=123456.5)@1,3,5"),
        ("adaptive(loss=3)", "budget(threshold=0.9)@1,3,5"),
        ("adaptive(loss=0.9)", "budget@1,3,5"),  # 0.95 is what the rule takes anyway
        ("adaptive(loss=0.5)", "budget(threshold=0.97)@1,3,5"),
        ("adaptive(loss=0.1)", "budget(threshold=0.99)@1,3,5"),
    ],
)
def test_adaptive_takes_one_wish(name, text):
    shape = ModelShape(12, 192, changed=CHANGED)
    assert expand(name, shape) == text + OPTIONS
    assert str(Recipe.parse(name, shape)) == text + OPTIONS


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("adaptive(2,ms=9)", "takes one wish"),
        ("adaptive(ms=9,loss=1)", "takes one wish"),
        ("adaptive(0.5)", "speed"),
        ("adaptive(loss=0.05)", "0.05 % cannot be met: merging changes 0.1 %"),
    ],
)
def test_adaptive_refuses_other_wishes(name, said):
    with pytest.raises(InputError, match=said):
        expand(name, ModelShape(12, 192, changed=CHANGED))


def test_a_loss_needs_a_calibrated_model():
    with pytest.raises(InputError, match="not calibrated"):
        expand("adaptive(loss=1)", TWELVE)
