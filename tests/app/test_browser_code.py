"""The browser's code: its form, its types, and that those are of what Python writes."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from support.inspector_data import made_up_image, made_up_runs, made_up_segments, made_up_view

import app
from app.camera.frames import CameraHandlers
from app.engine.models import Models
from app.engine.pictures import Picture
from app.inspector import payload
from app.inspector.curves import Curve, Curves, encode_curves
from app.inspector.features_message import encode_features
from app.inspector.section import page_facts, shipped_examples
from app.latency.cards import encode_cards
from app.latency.own_card import own_card
from app.latency.payload import Heading, encode_race, encode_stopped, encode_text, verdicts_of
from app.latency.race import Race, run_race
from app.latency.settings import Plan
from mpm.runtimes import RuntimeChoice
from mpm.segmenters.feature_colours import FeatureColours

APP = Path(app.__file__).parent
TOOLS = Path(__file__).parents[1] / "js"
TSC = TOOLS / "node_modules" / ".bin" / "tsc"
tools = pytest.mark.skipif(
    not (shutil.which("npm") and TSC.exists()), reason="needs npm packages: npm --prefix tests/js ci"
)


def run(*command: str | Path) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


@tools
def test_format_linter_and_types():
    run("npm", "--prefix", TOOLS, "run", "--silent", "check")


def checked(folder: Path, values: dict[str, tuple[str, object]]) -> None:
    """Have the compiler compare values, by a name for each, with the types that the browser's code reads."""
    lines = [f"export const {name}: {kind} = {json.dumps(value)};" for name, (kind, value) in values.items()]
    (folder / "values.ts").write_text("\n".join(lines), encoding="utf-8")
    options = {
        "extends": str(APP / "tsconfig.json"),
        "compilerOptions": {"checkJs": False},
        "include": [str(APP / "types"), "values.ts"],
    }
    (folder / "tsconfig.json").write_text(json.dumps(options), encoding="utf-8")
    run(TSC, "--project", folder)


def inspector_messages() -> dict[str, tuple[str, str]]:
    image = made_up_image(64, 48)
    runs = made_up_runs(image, rows=3, cols=4, schedules=("none", "2"))
    labels, segments = made_up_segments(image)
    merged = SimpleNamespace(**vars(runs["2"]) | {"labels": labels, "segments": segments, "confidence": 0.5})
    plain = runs["none"]
    view = made_up_view(image, reference={"median": 0.9, "low": 0.5})
    colours = FeatureColours(np.zeros((3, 4, 3), np.uint8), np.zeros((3, 4, 3), np.uint8), (0.5, 0.3, 0.1))
    point = {"schedule": "2", "kept": 0.5, "agreement": 0.75}
    curves = Curves((Curve("mutual", "Mutual", (point,)), Curve("graph", "Graph", (), "It failed.")), 2, 3)
    picture = Picture.of(image)
    return {
        "picture": ("Picture", payload.encode_picture(picture, 1, 12, ["small"])),
        "early": ("Picture", payload.encode_picture(picture, 1)),
        "waiting": ("Waiting", payload.encode_waiting(1, "Loading", 1, 2)),
        "view": ("View", payload.encode(view, {"none": plain, "2": merged}, paces={"tiny": "1 s"})),
        "runs": (
            "Runs",
            payload.encode_runs(view, {"2": merged}, baseline=plain, renamed={"2,2": "2"}),
        ),
        "explored": ("Explored", payload.encode_explored("key", 1, ["2"])),
        "heat": ("Heat", payload.encode_heat("key", "2", 1, 3, np.zeros(12), "Alike")),
        "failed": ("Failed", payload.encode_failure("open", 1, "It is empty.", ["2"])),
        "file": ("File", payload.encode_file("key", "mask.png", "image/png", b"mask")),
        "offered": ("Offered", payload.encode_offer(picture)),
        "features": ("Features", encode_features("key", "2", colours)),
        "curves": ("Curves", encode_curves("key", curves)),
    }


def race_messages(race: Race) -> dict[str, tuple[str, str]]:
    two = Race.of(Plan(("none", "1"), runtime=RuntimeChoice.parse("onnxruntime")))
    heading = Heading("race 1", 7, "digest", "tiny", by_hand=True)
    return {
        "race": ("Race", encode_race(race, heading, [("Cores", "2")], verdicts_of(race), "{}")),
        "runtimes": ("Race", encode_race(two, heading)),
        "text": ("Words", encode_text("It waits.", 3)),
        "stopped": ("Stopped", encode_stopped(4)),
    }


def frame_answer(models: Models, rgb: np.ndarray) -> dict:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    asked = {"tab": "t", "generation": 1, "model": None, "recipe": "2", "number": 1}
    return CameraHandlers(models).frame({**asked, "jpeg": base64.b64encode(buffer.getvalue()).decode()})


@tools
def test_types_are_of_the_messages_that_python_writes(tmp_path, fresh, smooth_image):
    models = Models.of(fresh)
    *_, race = run_race(fresh, smooth_image, Plan(("none", "1"), rounds=2, deadline_s=60))
    texts = inspector_messages() | race_messages(race)
    told = {name: (f"Wire.{kind}", json.loads(text)) for name, (kind, text) in texts.items()}
    told["facts"] = ("PageFacts", page_facts(models, shipped_examples(), True))
    files = [{"name": "own.json", "text": own_card(race, fresh.segmenter)}, {"name": "bad.json", "text": "{"}]
    told["cards"] = ("Wire.Cards", json.loads(encode_cards(files)))
    told["frame"] = ("Wire.Frame", frame_answer(models, smooth_image))
    checked(tmp_path, told)


@tools
def test_a_field_that_no_type_knows_is_found(tmp_path):
    message = json.loads(encode_stopped(4))
    with pytest.raises(AssertionError, match='"unknown"\' does not exist'):
        checked(tmp_path, {"stopped": ("Wire.Stopped", {**message, "unknown": 1})})
    with pytest.raises(AssertionError, match="not assignable to type 'number'"):
        checked(tmp_path, {"stopped": ("Wire.Stopped", {**message, "generation": "4"})})


ELEMENTS = {
    "canvas": "HTMLCanvasElement",
    "button": "HTMLButtonElement",
    "select": "HTMLSelectElement",
    "input": "HTMLInputElement",
    "details": "HTMLDetailsElement",
    "tbody": "HTMLTableSectionElement",
}


@pytest.mark.parametrize(
    "page, types, name",
    [
        ("inspector/inspector", "page", "Ui"),
        ("latency/live", "latency", "LiveUi"),
        ("latency/cards", "latency", "CardsUi"),
    ],
)
def test_the_elements_that_the_code_names_are_in_the_page(page, types, name):
    markup = (APP / f"{page}.html").read_text(encoding="utf-8")
    declared = (APP / "types" / f"{types}.d.ts").read_text(encoding="utf-8")
    there = {
        ref: ELEMENTS.get(tag, "HTMLElement")
        for tag, ref in re.findall(r'<([a-z0-9]+)\b[^<>]*?\bdata-ref="(\w+)"', markup)
    }
    body = re.search(rf"interface {name} \{{\n(.*?)\n\}}", declared, re.S)
    assert there and dict(re.findall(r"(\w+): (\w+);", body[1])) == there
