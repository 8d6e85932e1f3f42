"""Many visitors at once: `python tests/checks/load_page.py [--clients 16] [--requests 200]`.

Starts the page, sends pictures of mixed sizes with mixed schedules to its endpoint, closes some connections
early, and compares every answer with a direct run. Then waits for the page to come to rest: its memory must
be back within 100 MB of idle, its upload folder back at its size, and the endpoint still well. "Busy" is a
fair answer, anything else is an error. Prints a table; exit status 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

from support.page_process import PageProcess, segment_data  # noqa: E402

import mpm  # noqa: E402
from app.engine.warm_up import physical_cores  # noqa: E402
from mpm.streets import render_street  # noqa: E402

API = "/gradio_api"
SIZES_PX = ((96, 64), (160, 120), (200, 200), (320, 180), (120, 260), (384, 288))
SCHEDULES = ("none", "8", "5", "2,5", "2,5,8", "0,2,4,6,8", "1", "3,4")
EARLY = 0.15
"""Share of the requests whose sender does not wait for the answer."""
KEEP_UPLOADS_S = 10
MAX_GROWTH_BYTES = 100_000_000


@dataclass(frozen=True)
class Picture:
    content: bytes
    rgb: np.ndarray


@dataclass
class Tally:
    """What the clients met; shared between their threads."""

    outcomes: Counter = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, outcome: str, seconds: float = 0.0, problem: str | None = None) -> None:
        with self.lock:
            self.outcomes[outcome] += 1
            self.seconds += [seconds] if outcome == "right" else []
            self.problems += [problem] if problem else []


def pictures() -> list[Picture]:
    made = []
    for seed, (width, height) in enumerate(SIZES_PX):
        rgb = render_street(seed, width, height).image
        buffer = io.BytesIO()
        Image.fromarray(rgb).save(buffer, "PNG")
        made.append(Picture(buffer.getvalue(), rgb))
    return made


def expected(model: str, shown: list[Picture]) -> dict[tuple[int, str], tuple[np.ndarray, list[int]]]:
    """Mask and token counts of every picture and schedule, run here."""
    import torch

    torch.set_num_threads(physical_cores())
    segmenter = mpm.load_segmenter(model)
    answers = {}
    for number, picture in enumerate(shown):
        for schedule in SCHEDULES:
            run = segmenter.segment(picture.rgb, schedule)
            answers[number, schedule] = segmenter.palette[run.labels], run.trace.token_counts
    return answers


def send(client: httpx.Client, picture: Picture, schedule: str) -> str | None:
    """Upload and ask; the event's name, or None when the queue is full."""
    uploaded = client.post(f"{API}/upload", files={"files": ("street.png", picture.content)})
    uploaded.raise_for_status()
    image = {"path": uploaded.json()[0], "meta": {"_type": "gradio.FileData"}}
    body = segment_data(str(client.base_url).rstrip("/"), image, schedule)
    asked = client.post(f"{API}/call/segment", json=body)
    if asked.status_code == 503:
        return None
    asked.raise_for_status()
    return asked.json()["event_id"]


def leave(client: httpx.Client, event: str, after_s: float) -> None:
    """Look at the answer's stream for a moment and hang up."""
    try:
        with client.stream("GET", f"{API}/call/segment/{event}", timeout=after_s) as stream:
            for _ in stream.iter_lines():
                break
    except httpx.TimeoutException:
        pass


def answer(client: httpx.Client, event: str) -> tuple[str, object]:
    """The last event of the stream and its data."""
    kind, data = "", None
    for line in client.get(f"{API}/call/segment/{event}", timeout=600).text.splitlines():
        if line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: "):
            data = json.loads(line[6:])
    return kind, data


def judge(client: httpx.Client, event: str, right: tuple[np.ndarray, list[int]]) -> tuple[str, str | None]:
    """("right" | "busy" | "wrong" | "error", what is wrong)."""
    kind, data = answer(client, event)
    if kind != "complete":
        busy = "full" in str(data) or "busy" in str(data)
        return ("busy", None) if busy else ("error", f"{kind}: {str(data)[:200]}")
    mask, report = data
    picture = Image.open(io.BytesIO(client.get(f"{API}/file={mask['path']}").content)).convert("RGB")
    if report["token_counts"] != right[1] or not np.array_equal(np.asarray(picture), right[0]):
        return "wrong", f"token counts {report['token_counts']}, expected {right[1]}"
    return "right", None


def visit(url: str, tickets: list[int], shown: list[Picture], right: dict, tally: Tally) -> None:
    """One client: takes tickets until there are none."""
    with httpx.Client(base_url=url, timeout=600) as client:
        while True:
            with tally.lock:
                if not tickets:
                    return
                rng = random.Random(tickets.pop())
            number, schedule = rng.randrange(len(shown)), rng.choice(SCHEDULES)
            start = time.perf_counter()
            try:
                event = send(client, shown[number], schedule)
                if event is None:
                    tally.add("busy")
                elif rng.random() < EARLY:
                    leave(client, event, rng.uniform(0.02, 0.5))
                    tally.add("left early")
                else:
                    outcome, problem = judge(client, event, right[number, schedule])
                    tally.add(outcome, time.perf_counter() - start, problem)
            except (httpx.HTTPError, ValueError, KeyError) as error:
                tally.add("error", problem=repr(error)[:300])


def load(page: PageProcess, clients: int, requests: int, shown: list[Picture], right: dict) -> Tally:
    tally, tickets = Tally(), list(range(requests))
    threads = [
        threading.Thread(target=visit, args=(page.url, tickets, shown, right, tally)) for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def rest(page: PageProcess, idle_bytes: int, folder_bytes: int, limit_s: float) -> None:
    """Until memory and folder are back, or the time is up."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        time.sleep(2)
        small = page.resident_bytes() - idle_bytes <= MAX_GROWTH_BYTES
        if small and page.upload_bytes() <= folder_bytes:
            return


def check(page: PageProcess, arguments: argparse.Namespace) -> list[str]:
    """Load the page; sentences on what is wrong."""
    shown = pictures()
    right = expected(arguments.model, shown)
    page.wait_ready()
    load(page, 1, len(SIZES_PX), shown, right)  # memory that every first run takes is no growth
    time.sleep(KEEP_UPLOADS_S * 2)
    idle, folder = page.resident_bytes(), page.upload_bytes()
    start = time.perf_counter()
    tally = load(page, arguments.clients, arguments.requests, shown, right)
    seconds = time.perf_counter() - start
    after, full = page.resident_bytes(), page.upload_bytes()
    rest(page, idle, folder, KEEP_UPLOADS_S * 4)
    growth, left = page.resident_bytes() - idle, page.upload_bytes() - folder
    clients, requests = arguments.clients, arguments.requests
    print(f"{requests} requests by {clients} clients in {seconds:.0f} s: {dict(tally.outcomes)}")
    if tally.seconds:
        middle, slow = np.percentile(tally.seconds, [50, 95])
        longest, mean = max(tally.seconds), sum(tally.seconds) / len(tally.seconds)
        print(f"longest {longest:.1f} s, {longest / mean:.2f} times the mean of {mean:.1f} s")
        print(f"answers after {middle:.1f} s (median), {slow:.1f} s (95 %)")
    print(
        f"resident: idle {idle / 1e6:.0f} MB, under load {after / 1e6:.0f} MB, at rest {growth / 1e6:+.0f} MB"
    )
    print(
        f"uploads: idle {folder / 1e6:.1f} MB, under load {full / 1e6:.1f} MB, at rest {left / 1e6:+.1f} MB"
    )
    wrong = [f"{name}: {tally.outcomes[name]}" for name in ("wrong", "error") if tally.outcomes[name]]
    wrong += sorted(set(tally.problems))[:5]
    wrong += [f"memory grew by {growth / 1e6:.0f} MB"] if growth > MAX_GROWTH_BYTES else []
    wrong += [f"{left} bytes of uploads stayed"] if left > 0 else []
    wrong += [] if page.health()["http"] == 200 else ["the page is not well afterwards"]
    wrong += ["the page complained in its log"] if "Traceback" in page.log else []
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--model", default="streets-vit-tiny")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        PageProcess(
            Path(scratch), "--model", arguments.model, "--keep-uploads", str(KEEP_UPLOADS_S / 60)
        ) as page,
    ):
        wrong = check(page, arguments)
        ended = page.stop()
    wrong += [f"it ended with status {ended}"] if ended else []
    print("\n".join(wrong) or "all is well")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
