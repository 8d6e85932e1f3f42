"""The page on the open internet: its health, its end, and what strangers may not do with it."""

from __future__ import annotations

import logging
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import gradio as gr
import httpx
import pytest
from gradio_client import Client
from PIL import Image
from support.page_process import ROOT, PageProcess, segment_data

import mpm
from app.server.health import Health
from app.server.serving import close
from app.start import parse_arguments

API = "/gradio_api"


@pytest.fixture(scope="module")
def served(tiny, tmp_path_factory):
    """The page with a tiny model, started as its users start it."""
    folder = mpm.save_segmenter(tiny, tmp_path_factory.mktemp("model") / "tiny")
    arguments = ["--model", str(folder), "--threads", "1", "--verbose"]
    with PageProcess(tmp_path_factory.mktemp("page"), *arguments, own_uploads=True) as page:
        page.before = page.health()
        page.wait_ready()
        yield page


@pytest.fixture(scope="module")
def scratch_secret(tmp_path_factory) -> Path:
    """A picture on the server that no visitor has uploaded."""
    path = tmp_path_factory.mktemp("private") / "secret.png"
    Image.new("RGB", (32, 32), "red").save(path)
    return path


def call(page: PageProcess, image: dict | None, schedule: object = "2") -> tuple[int, str]:
    """The endpoint as `curl` uses it: the status of the call, and everything that the server sent."""
    body = segment_data(page.url, image, schedule)
    posted = httpx.post(f"{page.url}{API}/call/segment", json=body, timeout=30)
    if posted.status_code != 200:
        return posted.status_code, posted.text
    event = posted.json()["event_id"]
    return 200, httpx.get(f"{page.url}{API}/call/segment/{event}", timeout=60).text


def upload(page: PageProcess, content: bytes, name: str = "picture.png") -> httpx.Response:
    return httpx.post(f"{page.url}{API}/upload", files={"files": (name, content)}, timeout=60)


def tells_no_path(text: str) -> bool:
    return not any(root in text for root in (str(ROOT), "site-packages", "Traceback", "/tmp/", "/private"))


def test_health_says_what_a_host_needs_and_no_more(served):
    assert served.before["http"] in (0, 503), "not ready before the model is there"
    health = served.health()
    assert health.pop("http") == 200 and health.pop("uptime_s") > 0
    assert health == {"status": "ok", "model": "tiny", "queue": 0}


@pytest.mark.parametrize("status", ["loading", "failed", "stopping"])
def test_health_is_503_until_all_is_well(status):
    health = Health("tiny", lambda: "ok" if status == "stopping" else status, lambda: 3)
    health.stopping = status == "stopping"
    code, body = health.answer()
    assert code == 503 and body["status"] == status and body["queue"] == 3


@pytest.mark.parametrize("route", [f"{API}/file=", f"{API}/file/", "/file="])
def test_no_file_of_the_server_is_served(served, route, scratch_secret):
    inside = ("app.py", "assets/streets-vit-tiny/config.json", "requirements.txt", ".git/config")
    outside = ("/etc/passwd", "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd")
    uploads = next(served.scratch.glob("mpm-explorer-*"))
    climbing = f"{uploads}/../log.txt"
    for path in (*inside, *(str(ROOT / name) for name in inside), *outside, climbing, str(scratch_secret)):
        status, body = served.get(route + path)
        assert status in (400, 403, 404), (path, status)
        assert tells_no_path(body.replace(path, "")), body


def test_no_address_is_fetched(served):
    with socket.socket() as bait:
        bait.bind(("127.0.0.1", 0))
        bait.listen()
        bait.settimeout(0.5)
        address = f"http://127.0.0.1:{bait.getsockname()[1]}/picture.png"
        meta = {"meta": {"_type": "gradio.FileData"}}
        for image in ({"path": address}, {"path": "x.png", "url": address}, {"url": address}):
            for sent in (image, {**image, **meta}):
                status, text = call(served, sent)
                assert (status in (400, 422) or "event: error" in text) and tells_no_path(text), text
        assert served.get(f"{API}/file={address}")[0] in (400, 403, 404)
        with pytest.raises(TimeoutError):
            bait.accept()


def test_no_path_of_a_caller_is_opened(served, scratch_secret):
    for path in (str(scratch_secret), "/etc/passwd", "../secret.png", str(ROOT / "assets/examples/rain.jpg")):
        for meta in ({}, {"meta": {"_type": "gradio.FileData"}}):
            status, text = call(served, {"path": path, **meta})
            assert status in (400, 403, 422) or "event: error" in text, text
            assert "event: complete" not in text and tells_no_path(text.replace(path, ""))


@pytest.mark.parametrize("schedule", [{"a": 1}, [1, {}], 7.5, True, "2;5", "-1", "9" * 5000, "../x"])
def test_odd_schedules_are_one_sentence(served, schedule):
    picture = upload(served, (ROOT / "assets/examples/rain.jpg").read_bytes()).json()[0]
    status, text = call(served, {"path": picture, "meta": {"_type": "gradio.FileData"}}, schedule)
    assert status in (400, 422) or "event: error" in text, text[:500]
    assert tells_no_path(text.replace(picture, "")) and len(text) < 20_000


@pytest.mark.parametrize("content", [b"", b"\x80\x04}q\x00.", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_odd_files_are_one_sentence(served, content):
    picture = upload(served, content, "../../evil.pkl").json()[0]
    assert Path(picture).resolve().is_relative_to(next(served.scratch.glob("mpm-explorer-*")).resolve())
    status, text = call(served, {"path": picture, "meta": {"_type": "gradio.FileData"}})
    assert status == 200 and "event: error" in text
    assert tells_no_path(text.replace(picture, ""))


def test_files_above_the_limit_are_refused(served):
    assert upload(served, bytes(40_100_000)).status_code == 413


def complaints(page: PageProcess) -> list[str]:
    """Exceptions in the log, but for those with which Gradio itself answers a path that was not uploaded."""
    blocks = page.log.split("Traceback (most recent call last):")[1:]
    return [block for block in blocks if "InvalidPathError" not in block or str(ROOT) + "/app" in block]


def test_a_run_works_after_all_that(served):
    picture = upload(served, (ROOT / "assets/examples/rain.jpg").read_bytes()).json()[0]
    status, text = call(served, {"path": picture, "meta": {"_type": "gradio.FileData"}})
    assert status == 200 and "event: complete" in text
    assert complaints(served) == []


def test_it_ends_well_when_asked_to(served):
    """The last test of this module: the page is gone after it."""
    made = next(served.scratch.glob("mpm-explorer-*"))
    assert served.stop() == 0
    assert complaints(served) == []
    assert not made.exists(), "uploads are removed"


def test_the_run_that_is_on_may_end(caplog):
    caplog.set_level(logging.WARNING)
    started = threading.Event()

    def slow() -> str:
        started.set()
        time.sleep(1.0)
        return "done"

    with gr.Blocks(analytics_enabled=False) as page:
        gr.Button().click(slow, None, gr.Textbox(), api_name="slow")
    page.queue(max_size=4)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, run_history=False)
    job = Client(url, verbose=False).submit(api_name="/slow")
    assert started.wait(20)
    close(page, last_run_s=10)
    assert job.result(timeout=10) == "done"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=2)


@pytest.mark.parametrize("arguments", ["--threads 0", "--keep-uploads -1", "--keep-uploads soon"])
def test_bad_arguments_are_one_sentence(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse_arguments(arguments.split())
    assert stopped.value.code == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("python app.py: error: argument --")
