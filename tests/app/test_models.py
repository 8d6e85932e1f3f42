"""The page's models: who is offered, loaded, downloaded and forgotten."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.page_events import event, only_failure, told
from support.patience import until
from support.stub_shelf import MB, StubShelf

import mpm
from app import texts
from app.engine import models as models_module
from app.engine.models import Models, Shelf
from app.engine.offers import DEFAULT, model_card
from app.engine.pictures import Examples, Picture, Pictures
from app.inspector.handlers import Handlers
from app.inspector.messages import STOPS
from app.inspector.section import page_facts
from mpm.segmenters.config import DecoderConfig

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folders(tiny_config, tmp_path_factory) -> Iterator[list[str]]:
    """Three tiny models of twelve blocks; the last has a linear decoder."""
    root = tmp_path_factory.mktemp("models")
    deep = {**tiny_config.encoder.timm_args, "depth": 12}
    config = replace(tiny_config, encoder=replace(tiny_config.encoder, timm_args=deep))
    linear = replace(config, decoder=DecoderConfig("linear"))
    for name, one in (("a", config), ("b", config), ("c", linear)):
        mpm.save_segmenter(mpm.Segmenter(one), root / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        yield ["a", "b", "c"]


@pytest.fixture
def shelf(folders, monkeypatch) -> StubShelf:
    """The third model has to be downloaded."""
    monkeypatch.setattr(models_module, "REPORT_EVERY_S", 0.005)
    return StubShelf(folders, folders[:2])


@pytest.fixture
def models(folders, shelf) -> Models:
    return Models(folders[0], "cpu", 1, shelf).start()


def test_the_page_s_own_model_comes_first_and_is_the_default(models, folders):
    assert [offer.name for offer in models.offers()] == folders
    assert models.engine() is models.engine(None) is models.engine(folders[0]) is models.own


def test_no_folder_of_the_server_is_told():
    models = Models("/srv/private/x")
    assert models.default == models.offers()[0].name == models.offers()[0].title == "x"
    assert models.offers()[0].line == "x · at hand"
    assert models.engine("x") is models.own
    with pytest.raises(mpm.InputError) as caught:
        models.engine("other")
    assert "private" not in str(caught.value)
    assert "private" not in json.dumps(page_facts(models, [], has_first=False))


def test_others_are_loaded_when_asked_for_and_kept(models, folders, picture):
    other = models.engine(folders[1])
    assert models.engine(folders[1]) is other is not models.own
    assert other.segment(picture, "2").grid.size == other.segmenter.plan(picture.wh_px).grid.size
    assert other.scheduler is models.own.scheduler, "one device"


def test_only_what_is_offered_and_at_hand_is_opened(models, folders, tmp_path):
    for name in ("/etc/passwd", "../../x", str(tmp_path), "https://example.org/model"):
        with pytest.raises(mpm.InputError, match="has no model"):
            models.engine(name)
        with pytest.raises(mpm.InputError, match="has no model"):
            list(models.fetch(name))
    with pytest.raises(mpm.InputError, match="not downloaded yet"):
        models.engine(folders[2])


def test_the_least_recently_used_is_forgotten(folders):
    sizes = dict.fromkeys(folders, 6 * MB)
    models = Models("own", "cpu", 1, StubShelf(folders, folders, sizes), memory_bytes=13 * MB)
    a, b = models.engine(folders[0]), models.engine(folders[1])
    assert models.engine(folders[0]) is a
    models.engine(folders[2])
    assert models.engine(folders[0]) is a
    assert models.engine(folders[1]) is not b
    sizes[folders[2]] = 14 * MB
    small = Models("own", "cpu", 1, StubShelf(folders, folders, sizes), memory_bytes=13 * MB)
    with pytest.raises(mpm.InputError, match="too large for this computer's memory"):
        small.engine(folders[2])


def test_a_model_that_failed_to_load_is_tried_again(folders, tmp_path):
    broken = tmp_path / "broken"
    shelf = StubShelf([str(broken)], [str(broken)])
    models = Models(folders[0], "cpu", 1, shelf).start()
    first = models.engine(str(broken))
    with pytest.raises(mpm.InputError, match="No model"):
        _ = first.segmenter
    assert models.engine(str(broken)) is not first


def test_a_download_tells_how_far_it_is_and_ends_at_hand(models, shelf, folders):
    fetching = models.fetch(folders[2])
    assert next(fetching) == (MB, 2 * MB)
    assert "download of about 1 MB" in model_card(models.offer(folders[2]))["line"]
    shelf.may_end.set()
    assert set(fetching) <= {(MB, 2 * MB)}
    card = model_card(models.offer(folders[2]))
    assert card["line"] == "c · 1 MB · eleven street classes · at hand" and "Licence: MIT." in card["about"]
    assert list(models.fetch(folders[2])) == [] == list(models.fetch(folders[0])), "at hand"
    assert models.engine(folders[2]) is not models.own


def test_a_download_that_nobody_looks_at_goes_on(models, shelf, folders):
    fetching = models.fetch(folders[2])
    next(fetching)
    fetching.close()
    shelf.may_end.set()
    until(lambda: models.offer(folders[2]).at_hand)


@pytest.mark.parametrize("trouble", [mpm.InputError("no network"), OSError("/secret")])
def test_trouble_of_a_download_is_raised_where_somebody_waits(models, shelf, folders, trouble):
    shelf.trouble = trouble
    shelf.may_end.set()
    with pytest.raises(type(trouble), match=str(trouble)):
        list(models.fetch(folders[2]))
    assert not models.offer(folders[2]).at_hand


def test_the_page_lists_every_model_as_a_card(models, folders):
    facts = page_facts(models, [], has_first=False)
    assert [card["name"] for card in facts["models"]] == folders and facts["model"] == folders[0]
    assert {card["group"] for card in facts["models"]} == {"Streets"} <= set(facts["groups"])
    assert [card["download"] for card in facts["models"]] == [None, None, "1 MB"]
    assert facts["selected_example"] is None and facts["stops"] == list(STOPS) and facts["first"] is False


def test_handlers_use_the_model_that_was_chosen(models, folders, picture):
    pictures = Pictures()
    pictures.add(picture)
    on = Handlers(models, pictures, Examples((), pictures))
    views = []
    for number, name in enumerate((None, folders[1])):
        opened = told(on.open(event(number, model=name, source={"picture": picture.digest})))
        views.append(next(one for one in opened if one["kind"] == "view"))
    assert [view["model"]["name"] for view in views] == folders[:2]
    assert [view["view"] for view in views] == [f"{picture.digest}-{name}" for name in folders[:2]]
    assert views[0]["runs"] != views[1]["runs"]
    (runs,) = told(on.custom(event(3, picture, model=folders[1], recipe="1,7")))
    assert runs["view"] == views[1]["view"]
    not_here = only_failure(on.custom(event(4, picture, model=folders[2])))
    assert not_here["message"] == "The model c is not downloaded yet: choose it on the page first."


def test_the_registry_s_shelf(monkeypatch, tmp_path):
    monkeypatch.setenv("MPM_CACHE", str(tmp_path))
    everything = {offer.name: offer for offer in Shelf().offers()}
    assert everything[DEFAULT].at_hand and "download" not in everything[DEFAULT].line
    assert not everything["seg-tiny-mask-ade20k"].at_hand
    assert everything["seg-tiny-mask-ade20k"].line == (
        "Seg-T-Mask/16 · 7 M parameters · mIoU 38.1 on ADE20K · download of about 28 MB"
    )
    assert [offer.name for offer in Shelf(downloads=False).offers()] == [DEFAULT]
    assert [offer.name for offer in Shelf(["seg-tiny-mask-ade20k"]).offers()] == ["seg-tiny-mask-ade20k"]
    assert model_card(everything[DEFAULT])["about"] == f"{texts.KNOWS} Licence: CC BY-NC 4.0."
    assert "ADE20K, 150 classes" in model_card(everything["seg-tiny-mask-ade20k"])["about"]


def test_the_list_of_models_needs_no_torch():
    code = "import sys; from app.engine.models import Shelf; Shelf().offers(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_pictures_are_never_larger_than_the_model_can_take(models):
    assert models.own.max_patches == 3072
    wide = Picture.of(np.zeros((60, 3000, 3), np.uint8))
    assert models.own.segment(wide, "none").grid.size <= 3072
