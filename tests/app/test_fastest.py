"""`--runtime auto`: the fastest runtime with the same masks, and no other."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from support.stub_engine import StubEngine

import mpm
from app.engine import fastest as fastest_module
from app.engine.fastest import SAME_MASK, Search, find_fastest, take_fastest
from app.engine.twins import built_quickly
from app.start import parse_arguments, prepare
from mpm.runtimes import RuntimeChoice

TORCH, HALF, ONNX, VINO = (
    RuntimeChoice.parse(text) for text in ("torch", "torch bfloat16", "onnxruntime", "openvino")
)
PICTURES = [np.full((20, 50, 3), number, np.uint8) for number in range(6)]


class MadeUp:
    """A model that takes what it is told to, and labels some pixels differently."""

    def __init__(self, runtime: str, seconds: float, wrong: float = 0.0) -> None:
        self.runtime, self._seconds, self._wrong = runtime, seconds, wrong
        self.device = SimpleNamespace(type="cpu")
        self.runs: list[tuple[int, str]] = []

    def parameters(self) -> list:
        return []

    def parse_recipe(self, text: str) -> str:
        return text

    def segment(self, rgb: np.ndarray, recipe: str, max_patches: int) -> SimpleNamespace:
        self.runs.append((int(rgb[0, 0, 0]), recipe))
        labels = np.zeros(1000, int)
        labels[: round(1000 * self._wrong)] = 1
        return SimpleNamespace(labels=labels, timing=SimpleNamespace(total=self._seconds))


class MadeUpTwins:
    """Twins at hand; whoever lacks one is told why."""

    def __init__(self, **twins: MadeUp) -> None:
        self._twins = twins

    def of(self, _segmenter, choice: RuntimeChoice) -> MadeUp:
        if choice.name not in self._twins:
            raise mpm.InputError(f"{choice.name} cannot build it")
        return self._twins[choice.name]


@pytest.fixture
def said(caplog) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "mpm.app")
    return caplog


def search(own: MadeUp, choices=(TORCH, ONNX, VINO), **twins: MadeUp) -> MadeUp:
    return Search(around(own, **twins)).fastest(choices, PICTURES)


def around(own: MadeUp | None, **twins: MadeUp) -> StubEngine:
    """An engine of that model; None: of one that could not be loaded."""
    engine = StubEngine(own, twins=MadeUpTwins(**twins))
    if own is None:
        engine._failure = "it could not be loaded"
    return engine


def test_the_fastest_is_taken_and_one_line_says_so(said):
    own, slow, fast = MadeUp("torch", 0.3), MadeUp("onnxruntime", 0.2), MadeUp("openvino", 0.1)
    assert search(own, onnxruntime=slow, openvino=fast) is fast
    (line,) = said.messages
    assert line.startswith("runtime auto: OpenVINO (ONNX Runtime 1.50 times as fast on 5 pictures")
    assert "OpenVINO 3.00 times as fast" in line and "100.00 % of pixels the same" in line


def test_every_picture_is_timed_once_in_every_recipe():
    own, other = MadeUp("torch", 0.3), MadeUp("onnxruntime", 0.2)
    search(own, onnxruntime=other)
    expected = [(number, recipe) for number in range(6) for recipe in ("none", "2,5")]
    assert own.runs == expected == other.runs


def test_other_masks_are_no_gain_however_fast(said):
    own, wrong = MadeUp("torch", 0.3), MadeUp("onnxruntime", 0.01, wrong=2 * (1 - SAME_MASK))
    assert search(own, onnxruntime=wrong) is own
    assert said.messages[0].startswith("runtime auto: PyTorch (ONNX Runtime left out: 99.80 %")
    assert len(wrong.runs) == 2, "nobody times it"


@pytest.mark.parametrize("seconds", [0.29, 0.3, 0.5])
def test_a_small_gain_is_none(seconds):
    own = MadeUp("torch", 0.3)
    assert search(own, onnxruntime=MadeUp("onnxruntime", seconds)) is own


def test_a_gain_on_some_pictures_is_none(monkeypatch):
    own, other = MadeUp("torch", 0.3), MadeUp("onnxruntime", 0.1)
    plain = other.segment

    def slower_on_two(rgb, recipe, max_patches):
        run = plain(rgb, recipe, max_patches)
        return (
            SimpleNamespace(labels=run.labels, timing=SimpleNamespace(total=0.4)) if rgb[0, 0, 0] > 3 else run
        )

    monkeypatch.setattr(other, "segment", slower_on_two)
    assert search(own, onnxruntime=other) is own


def test_who_cannot_be_built_is_left_out(said):
    own, fast = MadeUp("torch", 0.3), MadeUp("openvino", 0.1)
    assert search(own, openvino=fast) is fast
    assert "ONNX Runtime left out: onnxruntime cannot build it" in said.messages[0]


def test_nothing_else_is_tried_after_so_long(said, monkeypatch):
    monkeypatch.setattr(fastest_module, "BUILDING_S", -1.0)
    own = MadeUp("torch", 0.3)
    assert search(own, onnxruntime=MadeUp("onnxruntime", 0.1)) is own
    assert "ONNX Runtime left out: no time" in said.messages[0]


def test_with_torch_alone_nothing_is_measured_twice(said):
    own = MadeUp("torch", 0.3)
    assert search(own, (TORCH,)) is own
    assert said.messages == ["runtime auto: PyTorch (no other is installed)"] and len(own.runs) == 2


def test_on_a_gpu_and_on_zerogpu_nothing_is_tried(said, monkeypatch):
    own = MadeUp("torch", 0.3)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert find_fastest(around(own), PICTURES) is own
    monkeypatch.delenv("SPACES_ZERO_GPU")
    own.device.type = "cuda"
    assert find_fastest(around(own), PICTURES) is own
    assert not own.runs and len(said.messages) == 2


def test_a_page_without_a_model_says_so_in_its_log(caplog):
    take_fastest(around(None), PICTURES)
    assert "could not be loaded" in caplog.text


def test_a_search_that_fails_leaves_the_page_as_it_is(fresh, caplog, monkeypatch):
    before = fresh.segmenter
    monkeypatch.setattr(fastest_module, "built_quickly", lambda: [RuntimeChoice("tensorrt")])
    monkeypatch.setattr(fresh.twins, "of", None)
    take_fastest(fresh, PICTURES)
    assert fresh.segmenter is before and "the search failed" in caplog.text


def test_the_switch_has_a_turn_of_its_own(fresh, monkeypatch):
    other = fresh.segmenter.with_runtime("torch", "bfloat16")
    served, plain = [], fresh.switch
    monkeypatch.setattr(fastest_module, "find_fastest", lambda *_given: other)
    monkeypatch.setattr(
        fresh, "switch", lambda twin: (served.append(fresh.scheduler._served is not None), plain(twin))
    )
    take_fastest(fresh, PICTURES)
    assert served == [True] and fresh.segmenter is other


def test_runs_of_two_runtimes_are_kept_apart(fresh, picture):
    own = next(fresh.sweep(picture, ["2,5"]))
    assert fresh.at_hand(picture, ["2,5"]) == {"2,5": own}
    fresh.switch(fresh.segmenter.with_runtime("torch", "bfloat16"))
    assert fresh.at_hand(picture, ["2,5"]) == {}
    assert next(fresh.sweep(picture, ["2,5"])) is not own


def test_a_sweep_ends_in_the_runtime_that_it_began_in(fresh, picture, made):
    sweep = fresh.sweep(picture, ["none", "2,5"])
    next(sweep)
    expected = fresh.segmenter.segment(picture.rgb, "2,5").labels
    fresh.switch(SimpleNamespace(runtime="broken"))
    assert np.array_equal(next(sweep).labels, expected) and made == ["none", "2,5"]
    assert fresh.at_hand(picture, ["none", "2,5"]) == {}, "they are of the other runtime"


def test_a_number_format_beside_auto_is_refused(capsys):
    with pytest.raises(SystemExit, match="leave out --number-format"):
        prepare(parse_arguments(["--runtime", "auto", "--number-format", "int8"]))


def test_a_real_search_ends_with_a_runtime_that_is_here(fresh, said):
    take_fastest(fresh, PICTURES)
    assert fresh.segmenter.runtime in {one.text for one in built_quickly()}
    assert [one.startswith("runtime auto: ") for one in said.messages] == [True]
