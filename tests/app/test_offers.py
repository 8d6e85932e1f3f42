"""What the menu of models says: groups, sizes, scores, and how long a run takes here."""

from __future__ import annotations

import pytest
from support.page_events import event, told

from app import texts
from app.engine.models import Models, Shelf
from app.engine.offers import GROUPS, KNOWLEDGE, OWN_GROUP, Offer, model_card
from app.engine.pace import Pace, Paces, pace_texts, seconds_text
from app.engine.pictures import Examples, Pictures
from app.inspector.handlers import Handlers

EOMT = Offer("eomt-small-coco", "EoMT-S", "coco-panoptic", "MIT", 95_000_000, False, None, 46.7, 24)
DPT = Offer("dpt-large-ade20k", "DPT-L", "ade20k", "MIT", 1_400_000_000, True, 49.0, None, 343)
OWN = Offer("own", "own", "", "", None, True)


def test_a_line_says_title_size_score_and_whether_it_is_at_hand():
    assert EOMT.line == "EoMT-S · 24 M parameters · PQ 46.7 on COCO · download of about 95 MB"
    assert DPT.line == "DPT-L · 343 M parameters · mIoU 49 on ADE20K · at hand"
    assert OWN.line == "own · at hand"


def test_a_card_says_what_a_model_knows_and_its_licence():
    card = model_card(EOMT)
    assert (card["group"], card["classes"], card["download"]) == ("Everyday things", 133, "95 MB")
    assert card["about"] == (
        "It knows 133 everyday things and backgrounds (COCO): masks are meaningful on such pictures, merges "
        "on any. Licence: MIT."
    )
    assert model_card(DPT)["download"] is None and model_card(OWN)["group"] == OWN_GROUP


def test_every_published_model_has_a_group_and_words():
    assert KNOWLEDGE.keys() == texts.DATA_SETS.keys()
    assert {offer.knowledge.group for offer in Shelf().offers()} <= set(GROUPS) - {OWN_GROUP}


def test_a_pace_is_the_median_of_the_latest_runs_of_one_size():
    paces = Paces()
    assert paces.of("tiny") is None
    for seconds, patches in ((9, 100), (0.2, 1376), (0.3, 1376), (5, 1376)):
        paces.note("tiny", seconds, patches)
    assert paces.of("tiny") == Pace(0.3, 1376)


def test_nothing_is_guessed_before_the_own_model_ran():
    paces = Paces()
    assert pace_texts([EOMT, OWN], paces, "own", 0) == {}
    paces.note("dpt-large-ade20k", 4.0, 1376)
    assert pace_texts([EOMT, OWN, DPT], paces, "own", 0) == {"dpt-large-ade20k": "4.0 s a run here"}


def test_what_did_not_run_is_told_by_its_size_and_what_ran_is_measured():
    paces = Paces()
    paces.note("own", 0.5, 1376)
    guessed = pace_texts([EOMT, OWN, DPT], paces, "own", 5_700_000)
    assert guessed["own"] == "0.5 s a run here"
    assert guessed[EOMT.name].startswith("about 1.") and guessed[DPT.name].startswith("about 1")
    paces.note(EOMT.name, 2.34, 1600)
    assert pace_texts([EOMT], paces, "own", 5_700_000) == {EOMT.name: "2.3 s a run here"}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0001, "1 ms"), (0.042, "42 ms"), (0.1, "0.1 s"), (9.94, "9.9 s"), (61.4, "61 s")]
)
def test_seconds_are_told_as_people_read_them(seconds, text):
    assert seconds_text(seconds) == text


def test_messages_bring_the_paces_along(engine, picture):
    models, pictures = Models.of(engine), Pictures()
    pictures.add(picture)
    on = Handlers(models, pictures, Examples((), pictures))
    assert models.paces() == {}
    opened = told(on.open(event(1, source={"picture": picture.digest})))
    kept = [message["paces"] for message in opened if message["kind"] in ("view", "explored")]
    assert len(kept) == 2 and all("a run here" in one[models.default] for one in kept)
    (runs,) = told(on.custom(event(2, picture, recipe="1")))
    assert "a run here" in runs["paces"][models.default]
