"""Holds the medians that the page shows against those of `python -m mpm bench`, in turn, on one machine.

    python tests/checks/measure_agreement.py [--rounds 3] [--runs 20]

The page is asked over HTTP as its own browser code asks, but without a browser: one that draws on the same
two cores would be measured along. Both time the same street at the same size, picture to mask.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

import httpx  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from support.page_process import ROOT, PageProcess  # noqa: E402

from app.engine.pictures import digest  # noqa: E402
from mpm.data.images import decode_image  # noqa: E402
from mpm.streets import render_street  # noqa: E402

API = "/gradio_api"
SCHEDULE = "2,5"
SIDE_PX = 512


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="times that page and bench take turns")
    parser.add_argument("--runs", type=int, default=20, help="runs of each schedule in a turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "street.png"
        Image.fromarray(render_street(1, SIDE_PX, SIDE_PX).image).save(picture)
        measured = list(turns(Path(folder), picture, options))
    for place, name in enumerate(("none", SCHEDULE)):
        page, bench = (np.median([turn[who][place] for turn in measured]) for who in range(2))
        print(f"{name:5} page {page:6.1f} ms   bench {bench:6.1f} ms   page / bench {page / bench:.3f}")


def turns(folder: Path, picture: Path, options: argparse.Namespace) -> Iterator[tuple]:
    """Medians in ms of (the page, bench), each (baseline, merged)."""
    with PageProcess(folder, own_uploads=True) as page:
        page.wait_ready()
        for _ in range(options.rounds):
            yield race(page.url, picture, options.runs), bench(folder, picture, options.runs)


def race(url: str, picture: Path, runs: int) -> tuple[float, float]:
    with httpx.Client(base_url=url, timeout=120) as web:
        config = web.get("/config").json()
        wish = {
            "generation": 1,
            "picture": digest(decode_image(picture).rgb),
            "model": None,
            "recipe": SCHEDULE,
        }
        path = web.post(f"{API}/upload", files={"files": picture.read_bytes()}).json()[0]
        source = {"source": {"upload": path, "name": picture.name}}
        opened, announced, started = (event_of(config, *one) for one in EVENTS)
        list(answers(web, {"data": [], "event_data": {**wish, **source}, "fn_index": opened}))
        session, told = uuid.uuid4().hex, json.dumps({**wish, "generation": 2})
        body = {"data": [told], "fn_index": announced, "session_hash": session}
        web.post(f"{API}/run/predict", json=body).raise_for_status()
        settings = [[], "picture to mask", runs, 100, None]
        messages = answers(web, {"data": settings, "fn_index": started}, session)
        last = [text for text in messages if '"state":"done"' in text][-1]
    contenders = {one["schedule"]: one["summary"]["median"] for one in json.loads(last)["contenders"]}
    return contenders["none"], contenders[SCHEDULE]


EVENTS = (("inspector", "open"), ("measure", "click"), (None, "success"))
"""Opening a picture, Start, and what follows Start: the race."""


def event_of(config: dict, element: str | None, kind: str) -> int:
    """Number of an event: its component's name in the page and its kind."""
    names = {one["id"]: one["props"].get("elem_id") for one in config["components"]}
    return next(
        one["id"]
        for one in config["dependencies"]
        if any((names.get(target), event) == (element, kind) for target, event in one["targets"])
    )


def answers(web: httpx.Client, body: dict, session: str | None = None) -> Iterator[str]:
    """What the latency view is told until the event is over."""
    session = session or uuid.uuid4().hex
    web.post(f"{API}/queue/join", json={**body, "session_hash": session}).raise_for_status()
    yield from messages(web, session)


def messages(web: httpx.Client, session: str) -> Iterator[str]:
    """The latency view's messages, whole, as they come."""
    with web.stream("GET", f"{API}/queue/data", params={"session_hash": session}) as stream:
        for line in stream.iter_lines():
            event = json.loads(line[5:]) if line.startswith("data:") else {}
            yield from race_texts(event.get("output"))
            if event.get("msg") == "process_completed":
                return


def race_texts(value: object) -> Iterator[str]:
    """Strings anywhere inside of an answer, or of a difference to the one before, that are races."""
    if isinstance(value, str) and '"kind":"race"' in value:
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from race_texts(part)


def bench(folder: Path, picture: Path, runs: int) -> tuple[float, float]:
    card = folder / "card.json"
    command = [sys.executable, "-m", "mpm", "bench", "--schedules", SCHEDULE, "--runs", str(runs)]
    command += ["--no-extras", "--image", str(picture), "--card", str(card)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    results = {one["schedule"]: 1000 * one["median"] for one in json.loads(card.read_text())["results"]}
    return results["none"], results[SCHEDULE]


if __name__ == "__main__":
    main()
