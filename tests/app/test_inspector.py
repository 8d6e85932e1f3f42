"""The inspector's payload says what the trace says, stays small, and refuses what does not fit."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.inspector_data import (
    CLASSES,
    SCHEDULES,
    made_up_image,
    made_up_labels,
    made_up_runs,
    made_up_view,
)
from support.stages import unpacked

import app.inspector as inspector
from app.engine.engine import DISPLAY_PX
from app.engine.pictures import Picture
from app.inspector.payload import (
    SCHEMA,
    encode,
    encode_explored,
    encode_failure,
    encode_heat,
    encode_offer,
    encode_picture,
    encode_runs,
    encode_waiting,
)

FOLDER = Path(inspector.__file__).parent


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return made_up_image(200, 120)


@pytest.fixture(scope="module")
def runs(image):
    return made_up_runs(image, rows=6, cols=10)


def array(text: str, dtype: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype)


def labels_of(text: str, shape: tuple[int, int]) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(shape)


@pytest.mark.parametrize("name", SCHEDULES)
def test_arrays_are_those_of_the_trace(image, runs, name):
    message = json.loads(encode(made_up_view(image), runs))
    sent = {run["schedule"]: run for run in message["runs"]}[name]
    trace = runs[name].trace
    assert sent["token_counts"] == trace.token_counts
    assert sent["blocks"] == [stage.block for stage in trace.stages]
    for number, stage in zip(sent["stages"], trace.stages, strict=True):
        own = unpacked(message["stages"][number])
        for field in ("index", "nearest", "partner", "similarity"):
            np.testing.assert_array_equal(own[field], getattr(stage, field))


def test_recipes_that_begin_alike_share_their_stages(image, runs):
    message = json.loads(encode(made_up_view(image), {name: runs[name] for name in ("2", "2,5", "2,5,8")}))
    first, second, third = (
        {run["schedule"]: run for run in message["runs"]}[name]["stages"] for name in ("2", "2,5", "2,5,8")
    )
    assert first == second[:1] and second == third[:2]
    assert len(message["stages"]) == 3


def test_labels_are_exact(image, runs):
    message = json.loads(encode(made_up_view(image), {"2,5": runs["2,5"]}))
    np.testing.assert_array_equal(labels_of(message["runs"][0]["labels"], (120, 200)), runs["2,5"].labels)
    truth = labels_of(message["truth"], (120, 200))
    expected = made_up_labels(image, 3)
    np.testing.assert_array_equal(truth, np.where(expected == 4, 255, expected))


def test_agreement_counts_full_size_pixels(image, runs):
    message = json.loads(encode(made_up_view(image), {name: runs[name] for name in ("none", "2,5")}))
    triples = {run["schedule"]: run["agreement"] for run in message["runs"]}
    agreeing = sum(pixels for before, after, pixels in triples["2,5"] if before == after)
    assert agreeing == int((runs["none"].labels == runs["2,5"].labels).sum()) < 200 * 120
    assert sum(pixels for *_, pixels in triples["2,5"]) == 200 * 120
    assert all(before == after for before, after, _ in triples["none"])


def test_ignored_truth_counts_nowhere(image, runs):
    message = json.loads(encode(made_up_view(image), {"none": runs["none"]}))
    counted = sum(pixels for *_, pixels in message["runs"][0]["truth"])
    assert counted == int((made_up_labels(image, 3) != 4).sum())
    assert all(before != 4 for before, *_ in message["runs"][0]["truth"])


def test_no_agreement_without_the_baseline(image, runs):
    message = json.loads(encode(made_up_view(image, truth=None), {"2,5": runs["2,5"]}))
    assert message["runs"][0]["agreement"] is None
    assert message["truth"] is message["runs"][0]["truth"] is None


def test_picture_is_limited_and_faithful():
    image = made_up_image(2000, 1000)
    runs = made_up_runs(image, 4, 8, ["none"])
    message = json.loads(encode(made_up_view(image), runs))
    assert (message["image"]["width"], message["image"]["height"]) == (DISPLAY_PX, DISPLAY_PX // 2)
    assert (message["image"]["full_width"], message["image"]["full_height"]) == (2000, 1000)
    head, data = message["image"]["src"].split(",")
    assert head == "data:image/jpeg;base64"
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    expected = cv2.resize(image, (1024, 512), interpolation=cv2.INTER_AREA)
    assert np.abs(shown.astype(int) - expected).mean() < 4


def test_small_pictures_are_lossless(image, runs):
    message = json.loads(encode(made_up_view(image), {"none": runs["none"]}))
    data = message["image"]["src"].removeprefix("data:image/png;base64,")
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(shown, image)


def test_grid_reaches_beyond_the_picture(image, runs):
    grid = json.loads(encode(made_up_view(image), {"none": runs["none"]}))["grid"]
    assert (grid["rows"], grid["cols"]) == (6, 10)
    assert grid["patch_w"] * 10 == pytest.approx(160 / 152)
    assert grid["patch_h"] * 6 == pytest.approx(1)


def test_display_labels_may_be_smaller_than_the_picture():
    image = made_up_image(2000, 1000)
    runs = made_up_runs(image, 4, 8, ["none", "2"])
    small = {
        name: replace(run, labels=cv2.resize(run.labels, (1024, 512), interpolation=cv2.INTER_NEAREST_EXACT))
        for name, run in runs.items()
    }
    mixed = {"none": runs["none"], "2": small["2"]}
    for given in (small, mixed):
        message = json.loads(encode(made_up_view(image), given))
        assert sum(pixels for *_, pixels in message["runs"][1]["agreement"]) == 1024 * 512
        np.testing.assert_array_equal(labels_of(message["runs"][1]["labels"], (512, 1024)), small["2"].labels)


def test_eight_schedules_of_8192_patches_stay_below_8_mb():
    image = made_up_image(1536, 1024)
    message = encode(made_up_view(image), made_up_runs(image, 64, 128))
    assert len(message) < 8e6


def test_later_messages(image, runs):
    view = made_up_view(image)
    more = json.loads(encode_runs(view, {"5": runs["5"]}, baseline=runs["none"], sent=["none", "2,5"]))
    assert (more["schema"], more["kind"], more["view"]) == (SCHEMA, "runs", "picture")
    assert more["sent"] == ["2,5", "5", "none"]
    assert more["runs"][0]["agreement"]
    explored = json.loads(encode_explored("picture", 3, ["none", "2,5"]))
    assert (explored["kind"], explored["generation"], explored["sent"]) == ("explored", 3, ["2,5", "none"])
    failed = json.loads(encode_failure("custom", 4, "No.", ["5"]))
    assert (failed["kind"], failed["what"], failed["generation"]) == ("failed", "custom", 4)
    assert (failed["message"], failed["schedules"]) == ("No.", ["5"])


def test_messages_before_the_first_run(image):
    picture = Picture.of(image, title="Mine", notes=("Scaled down.",))
    early = json.loads(encode_picture(picture, 3, notes=picture.notes))
    later = json.loads(encode_picture(picture, 3, 60))
    assert (early["kind"], early["picture"], early["title"]) == ("picture", picture.digest, "Mine")
    assert early["patches"] is None and later["patches"] == 60 and early["notes"] == ["Scaled down."]
    assert early["image"] == json.loads(encode(made_up_view(image), made_up_runs(image, 6, 10)))["image"]
    waiting = json.loads(encode_waiting(3, "Downloading", 1, 2))
    assert (waiting["text"], waiting["done"], waiting["of"]) == ("Downloading", 1, 2)
    offered = json.loads(encode_offer(picture))
    assert (offered["kind"], offered["picture"], offered["title"]) == ("offered", picture.digest, "Mine")


def test_a_view_says_what_it_belongs_to(image, runs):
    model = {"name": "tiny", "line": "Tiny", "about": "It knows nothing."}
    view = made_up_view(image, picture="abc", model=model, reference={"median": 0.9, "low": 0.5})
    message = json.loads(encode(view, runs, generation=7))
    assert (message["generation"], message["picture"], message["model"]) == (7, "abc", model)
    assert message["reference"] == {"median": 0.9, "low": 0.5}
    assert {run["confidence"] for run in message["runs"]} == {None}


def test_heat_keeps_every_value(image):
    values = np.linspace(-1, 1, 60).reshape(6, 10)
    values[2, 3] = np.nan
    message = json.loads(encode_heat("picture", "2,5", 1, 23, values, "words"))
    np.testing.assert_array_equal(array(message["values"], "<f4"), values.astype(np.float32).ravel())
    assert (message["schedule"], message["stage"], message["patch"]) == ("2,5", 1, 23)


def test_no_two_messages_are_equal():
    assert encode_failure("custom", 1, "no", ["5"]) != encode_failure("custom", 1, "no", ["5"])


def test_tiny_pictures():
    image = np.full((1, 1, 3), 128, np.uint8)
    message = json.loads(encode(made_up_view(image), made_up_runs(image, 2, 3)))
    assert (message["image"]["width"], message["image"]["height"]) == (1, 1)
    assert labels_of(message["runs"][0]["labels"], (1, 1)).shape == (1, 1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"image": np.zeros((4, 4), np.uint8)}, "Image must be"),
        ({"image": np.zeros((4, 4, 3), np.float32)}, "Image must be"),
        ({"class_names": ("one",)}, "same length"),
        ({"truth": np.zeros((3, 3), np.uint8)}, "Truth must be"),
    ],
)
def test_views_refuse_what_does_not_fit(image, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        made_up_view(**{"image": image, "truth": None, **change})


def test_unknown_labels_are_refused(image, runs):
    wrong = replace(runs["none"], labels=np.full((120, 200), len(CLASSES), np.uint8))
    with pytest.raises(ValueError, match="Labels must be below 5, but got 5"):
        encode(made_up_view(image), {"none": wrong})
    with pytest.raises(ValueError, match="at least one run"):
        encode(made_up_view(image), {})


def test_component_offers_its_events():
    component = inspector.Inspector()
    assert component.elem_id == "inspector"
    for event in inspector.EVENTS:
        assert callable(getattr(component, event))


def test_templates_hold_nothing_that_gradio_would_expand():
    for text in (inspector.markup(), inspector.style()):
        assert not re.search(r"\$\{|\{\{|`|\\|@keyframes", text)


def test_script_asks_its_own_server_alone_and_writes_no_html():
    script = inspector.script().replace("http://www.w3.org/2000/svg", "")
    script = script.replace("and open http://localhost:", "")  # words of the camera's help
    assert script.count("fetch(") == 1
    script = script.replace("await fetch(`${root}/health`", "")  # whether the server is still there
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacent", "fetch(", "XMLHttpRequest", "://", "eval("):
        assert forbidden not in script, forbidden


def test_every_style_is_part_of_the_component():
    assert sorted(path.stem for path in (FOLDER / "css").iterdir()) == sorted(inspector._STYLES)


def test_ramps_are_matplotlib_s():
    import matplotlib

    text = (FOLDER / "js" / "ramps.js").read_text(encoding="utf-8")
    for name in ("viridis", "plasma"):
        stops = re.findall(r"#[0-9a-f]{6}", re.search(name + r": \[(.*?)\]", text, re.S).group(1))
        expected = matplotlib.colormaps[name](np.linspace(0, 1, len(stops)))
        assert stops == [matplotlib.colors.to_hex(colour) for colour in expected]
