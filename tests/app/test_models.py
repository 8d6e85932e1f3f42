"""The page's models: who is offered, loaded, downloaded and forgotten."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

import mpm
from app import texts
from app.engine.ground_truth import Truths
from app.engine.models import DEFAULT, Models, Offer, Shelf
from app.inspector.handlers import Handlers
from app.model_menu import ModelHandlers
from mpm.segmenters.config import DecoderConfig

MB = 10**6
ROOT = Path(__file__).parents[2]


class StubShelf:
    """Checkpoint folders as models; `arrived` are at hand."""

    def __init__(self, folders, arrived, sizes=None, trouble=None):
        self.folders, self.arrived, self.sizes, self.trouble = folders, set(arrived), sizes or {}, trouble

    def offers(self):
        return [
            Offer(name, Path(name).name, "streets", "MIT", self.sizes.get(name, MB), name in self.arrived)
            for name in self.folders
        ]

    def fetch(self, name, report):
        for part in (1, 2):
            report(part, 2)
            threading.Event().wait(0.4)
        if self.trouble:
            raise self.trouble
        self.arrived.add(name)


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
def models(folders) -> Models:
    return Models(folders[0], "cpu", 1, StubShelf(folders, folders[:2])).start()


def test_the_page_s_own_model_comes_first_and_is_the_default(models, folders):
    assert [offer.name for offer in models.offers()] == folders
    assert models.engine() is models.engine(None) is models.engine(folders[0]) is models.own


def test_no_folder_of_the_server_is_told():
    models = Models("/srv/private/x")
    assert models.default == models.offers()[0].name == models.offers()[0].line == "x"
    assert models.engine("x") is models.own
    with pytest.raises(mpm.InputError) as caught:
        models.engine("other")
    assert "private" not in str(caught.value)
    *_, (_, _, note) = ModelHandlers(models).choose("other", models.default)
    assert "private" not in note and "stays x" in note


def test_others_are_loaded_when_asked_for_and_kept(models, folders, smooth_image):
    other = models.engine(folders[1])
    assert models.engine(folders[1]) is other is not models.own
    assert other.segment(smooth_image, "2").grid.size == other.segmenter.preprocess(smooth_image)[1].grid.size
    assert other._lock is models.own._lock


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
    with pytest.raises(mpm.InputError, match="no model"):
        _ = first.segmenter
    assert models.engine(str(broken)) is not first


def test_choosing_downloads_with_progress_and_then_hands_over(models, folders):
    on = ModelHandlers(models)
    *progress, (name, menu, note) = on.choose(folders[2], folders[0])
    assert name == folders[2] and "Licence: MIT" in note
    assert progress and all("<progress" in shown for _, _, shown in progress)
    assert all((state, shown) == (gr.skip(), gr.skip()) for state, shown, _ in progress)
    knows = " · eleven street classes"
    assert menu["choices"] == on.menu()
    assert on.menu() == [(name + knows, folder) for name, folder in zip("abc", folders, strict=True)]
    assert "download" not in menu["choices"][2][0]


def test_a_model_chosen_meanwhile_is_not_switched_away_from(models, folders):
    on, tab = ModelHandlers(models), SimpleNamespace(session_hash="tab")
    slow = on.choose(folders[2], folders[0], 10.0, tab)
    assert "<progress" in next(slow)[2]
    *_, (name, _, _) = on.choose(folders[1], folders[0], 20.0, tab)
    assert name == folders[1] and list(slow) == [(gr.skip(), gr.skip(), gr.skip())]


@pytest.mark.parametrize(
    ("trouble", "words"),
    [(mpm.InputError("no <b>network</b>"), "no &lt;b&gt;"), (OSError("/secret"), "could not be")],
)
def test_a_failed_download_keeps_the_model(folders, trouble, words):
    on = ModelHandlers(Models(folders[0], "cpu", 1, StubShelf(folders, folders[:1], trouble=trouble)))
    *_, (name, menu, note) = on.choose(folders[1], folders[0])
    assert name == gr.skip() and menu["value"] == folders[0]
    assert words in note and "stays" in note and "/secret" not in note


def test_handlers_use_the_model_that_was_chosen(models, folders, smooth_image):
    on = Handlers(models, Truths([]))
    own, other = (list(on.picture(smooth_image, "2", name)) for name in (None, folders[1]))
    assert len(own) == len(other) > 1 and own[0] != other[0]
    with pytest.raises(gr.Error, match="has no model"):
        list(on.picture(smooth_image, "2", "/etc"))


def test_the_registry_s_shelf(monkeypatch, tmp_path):
    monkeypatch.setenv("MPM_CACHE", str(tmp_path))
    everything = {offer.name: offer for offer in Shelf().offers()}
    assert everything[DEFAULT].at_hand and "download" not in everything[DEFAULT].line
    assert not everything["seg-tiny-mask-ade20k"].at_hand
    assert everything["seg-tiny-mask-ade20k"].line == (
        "Seg-T-Mask/16 · ADE20K, 150 classes · 38.1 % mIoU · download of about 28 MB"
    )
    assert [offer.name for offer in Shelf(downloads=False).offers()] == [DEFAULT]
    assert [offer.name for offer in Shelf(["seg-tiny-mask-ade20k"]).offers()] == ["seg-tiny-mask-ade20k"]
    assert ModelHandlers(Models(shelf=Shelf())).note(DEFAULT).count(texts.KNOWS) == 1


def test_the_list_of_models_needs_no_torch():
    code = "import sys; from app.engine.models import Shelf; Shelf().offers(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_pictures_are_never_larger_than_the_model_can_take(models):
    assert models.own.max_patches == 3072
    wide = np.zeros((60, 3000, 3), np.uint8)
    assert models.own.segment(wide, "none").grid.size <= 3072
