"""Recipes on the page: what the browser is told of rules and reasons, and rules of the starter's own."""

from __future__ import annotations

import html
import json

import pytest
from support.own_rule import STRIPES
from support.page_events import event, only_failure
from support.stages import unpacked

import mpm
from app import start
from app.engine.scheduler import ANYBODY
from app.examples import FIRST_MESSAGE
from app.inspector import markup
from app.inspector.messages import SHIPPED_STOPS, explore, rule_menu, runs_messages
from app.inspector.section import first_message
from mpm.merging.elsewhere import ELSEWHERE
from mpm.merging.explain import reasons_of
from mpm.segmenters.runnable import runnable_recipes

pytestmark = pytest.mark.usefixtures("no_rule_stays")


def runs_message(engine, picture, asked) -> dict:
    """What the browser is told of runs that it asked for."""
    *_, message = runs_messages(engine, picture, asked, ANYBODY)
    return json.loads(message)


def run_named(message: dict, name: str) -> dict:
    return next(run for run in message["runs"] if run["schedule"] == name)


@pytest.mark.parametrize("recipe", ["bipartite(0.2)@1,3", "random@1,3", "1,3", "random@1+bipartite@3"])
def test_the_browser_is_told_each_token_s_reason(engine, picture, recipe):
    trace = engine.segment(picture, recipe).trace
    message = runs_message(engine, picture, [recipe])
    for stage, number in zip(trace.stages, run_named(message, recipe)["stages"], strict=True):
        said = message["stages"][number]
        code = unpacked(said)["code"]
        assert said["rule"] == stage.rule and code.tolist() == reasons_of(stage).code.tolist()
        assert said["sentences"] == list(reasons_of(stage).sentences)


def test_a_recipe_in_another_spelling_gets_its_own_text(engine, picture):
    message = runs_message(engine, picture, ["3+1", "bipartite(share=0.20)@1"])
    assert message["renamed"] == {"3+1": "1,3", "bipartite(share=0.20)@1": "bipartite(0.2)@1"}
    assert {run["schedule"] for run in message["runs"]} == {"none", "1,3", "bipartite(0.2)@1"}


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("none|96px", "cuts the picture into .* patches, but this view shows"),
        ("nobody@1", "There is no rule 'nobody'"),
        ("bipartite(0.9)@1", "0 to 0.5"),
        ("1," * 60_000, "at most 400 characters"),
    ],
)
def test_what_cannot_be_shown_is_one_short_sentence(on, engine, picture, recipe, words):
    with pytest.raises(mpm.InputError, match=words) as refused:
        runs_message(engine, picture, [recipe])
    assert len(str(refused.value)) < 300
    failed = only_failure(on.custom(event(3, picture, recipe=recipe)))
    assert failed["schedules"] == [recipe if len(recipe) <= 400 else recipe[:399] + "…"]


def test_a_chosen_recipe_is_explored_first(engine, picture):
    first = json.loads(next(explore(engine, picture, "bipartite(0.2)@1", ANYBODY)))
    assert first["selected"] == "bipartite(0.2)@1"
    assert {run["schedule"] for run in first["runs"]} == {"none", "bipartite(0.2)@1"}
    assert first["rules"] == rule_menu()
    assert first["named"] == engine.named_recipes
    assert [one["name"] for one in first["named"]][:4] == ["light", "fast", "fastest", "adaptive"]
    for one in first["named"]:
        assert str(engine.read_recipe(one["name"])) == one["text"] == str(engine.read_recipe(one["text"]))


def test_a_recipe_with_a_size_gives_it_up_for_the_view(engine, picture):
    first = json.loads(next(explore(engine, picture, "random@1|96px", ANYBODY)))
    assert first["selected"] == "random@1"


@pytest.mark.parametrize("name", ["light", "fast", "fastest", "none", "1,3|sizes", "3+1"])
def test_recipes_with_names_are_explored_in_their_own_spelling(engine, picture, name):
    first = json.loads(next(explore(engine, picture, name, ANYBODY)))
    assert first["selected"] == str(engine.read_recipe(name))
    assert first["selected"] in {run["schedule"] for run in first["runs"]}


def test_the_first_message_knows_the_rules_of_the_box_and_the_model_s_names():
    stored = json.loads(FIRST_MESSAGE.read_text(encoding="utf-8"))
    model = mpm.load_segmenter("streets-vit-tiny")
    named = [one.describe(str(recipe)) for one, recipe in runnable_recipes(model)]
    assert stored["named"] == named, "draw it anew: python -m app.examples"
    assert stored["rules"] == rule_menu(), "draw it anew: python -m app.examples"
    assert [run["schedule"] for run in stored["runs"]] == list(SHIPPED_STOPS)


def test_the_page_says_what_cannot_run_here():
    shown = html.unescape(markup())
    assert all(f"<td>{one.paper}</td><td>{one.why}</td>" in shown for one in ELSEWHERE)


def test_rules_of_the_starter_s_own_are_in_the_menu(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(STRIPES)
    options = start.parse_arguments(["--rules", str(path)])
    for own in options.rules:
        mpm.load_rules(own)
    sent = json.loads(first_message("streets-vit-tiny"))
    assert [one["name"] for one in sent["rules"]][-1] == "stripes"


def test_only_the_bundled_model_s_first_view_is_at_hand():
    assert first_message("another") is None
    assert json.loads(first_message("streets-vit-tiny"))["kind"] == "view"


def test_a_rules_file_that_cannot_be_used_ends_the_start_in_one_sentence(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("import nothing_like_it")
    with pytest.raises(
        SystemExit, match=r"app.py: The rules in .*broken.py.* cannot be used: ModuleNotFound"
    ):
        start.prepare(start.parse_arguments(["--rules", str(path)]))
