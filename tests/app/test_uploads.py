"""The page's image input: what arrives, what is refused, and that no address or server path is opened."""

import base64
import io
import json
import os
import shutil
import threading
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

gr = pytest.importorskip("gradio")


import app.server.uploads  # noqa: E402
from app.server.uploads import UploadImage, open_upload  # noqa: E402
from mpm.errors import InputError  # noqa: E402

META = {"_type": "gradio.FileData"}


def png_bytes(width=30, height=20):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (10, 200, 30)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def page():
    """A tiny page with one input; what its handler gets is recorded."""
    got = []

    def look(image):
        got.append(image)
        return (
            "nothing" if image is None else f"{image.rgb.shape} {image.rgb.dtype} {image.rgb[0, 0].tolist()}"
        )

    with gr.Blocks() as demo:
        image = UploadImage(label="picture", elem_id="picture", sources=["upload", "clipboard"])
        text = gr.Textbox(elem_id="answer", label="answer")
        example = gr.Button("example", elem_id="example")
        image.change(look, image, text, api_name="look")
        example.click(lambda: np.full((7, 9, 3), 77, np.uint8), None, image, api_name="example")
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_port=None)
    yield address.rstrip("/") + "/gradio_api", got
    demo.close()


def upload(api, content, name="picture.png"):
    answer = httpx.post(f"{api}/upload", files={"files": (name, content)}).raise_for_status()
    return {"path": answer.json()[0], "meta": META, "orig_name": name}


def call(api, payload, name="look"):
    """(event, data) of the endpoint's last message: ("complete", [...]) or ("error", {...})."""
    answer = httpx.post(f"{api}/call/{name}", json={"data": [payload] if name == "look" else []})
    event = answer.raise_for_status().json()["event_id"]
    lines = httpx.get(f"{api}/call/{name}/{event}", timeout=30).text.strip().splitlines()
    return lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))


def test_good_file_arrives_as_rgb(page):
    api, _ = page
    event, data = call(api, upload(api, png_bytes()))
    assert (event, data) == ("complete", ["(20, 30, 3) uint8 [10, 200, 30]"])


def test_empty_input_is_none(page):
    assert call(page[0], None) == ("complete", ["nothing"])


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"a text with the name of a photo", "The file is not an image of a known kind"),
        (png_bytes()[:60], "The PNG file is broken or cut off."),
        (b"\xff\xd8\xff", "The JPEG file is broken or cut off."),
    ],
)
def test_bad_file_gives_one_sentence(page, content, sentence):
    api, got = page
    before = len(got)
    event, data = call(api, upload(api, content, "photo.jpg"))
    assert event == "error" and sentence in json.dumps(data)
    assert len(got) == before


def test_empty_file_gives_one_sentence(page):
    event, data = call(page[0], upload(page[0], b""))
    assert event == "error" and "The file is empty." in json.dumps(data)


@pytest.mark.parametrize("is_stream", [False, True])
def test_addresses_are_never_fetched(page, monkeypatch, is_stream):
    api, got = page
    fetched, before = [], len(got)

    async def download(url, cache_dir):
        fetched.append(url)
        raise AssertionError(url)

    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_download", download)
    address = "https://example.com/photo.png"
    payload = {"path": address, "url": address, "meta": META, "is_stream": is_stream}
    event, data = call(api, payload)
    assert event == "error" and "not opened" in json.dumps(data)
    assert fetched == [] and len(got) == before


def test_server_paths_are_refused(page, tmp_path):
    api, got = page
    (tmp_path / "secret.png").write_bytes(png_bytes())
    before = len(got)
    inside = Path(upload(api, png_bytes())["path"]).parent
    for path in (tmp_path / "secret.png", inside / ".." / ".." / ".." / tmp_path.name, inside, "/etc/passwd"):
        for is_stream in (False, True):
            event, _ = call(api, {"path": str(path), "meta": META, "is_stream": is_stream})
            assert event == "error"
    assert len(got) == before


def test_payloads_without_a_file_are_refused(page):
    api, got = page
    before = len(got)
    inline = "data:image/png;base64," + base64.b64encode(png_bytes()).decode()
    objects = ({"url": inline, "meta": META}, {"path": None, "meta": META}, {"path": 7})
    for payload in (*objects, "x", [1], inline):
        assert call(api, payload)[0] == "error"
    assert len(got) == before


def test_preprocess_itself_keeps_to_the_upload_folder(tmp_path):
    """Gradio checks paths only in a launched page; ours are checked in any case."""
    (tmp_path / "picture.png").write_bytes(png_bytes())
    payload = gr.data_classes.ImageData(path=str(tmp_path / "picture.png"))
    with pytest.raises(gr.Error, match="uploaded file"):
        UploadImage().preprocess(payload)


@pytest.mark.parametrize("name", ["a\x00b.png", "x" * 5000, "", "../picture.png", None])
def test_names_that_are_no_files_are_one_sentence(tmp_path, name):
    with pytest.raises(InputError, match="uploaded file|no longer there"):
        open_upload(name and f"{tmp_path}/{name}", tmp_path)


def test_a_file_that_was_swept_away_is_one_sentence(tmp_path):
    (tmp_path / "picture.png").write_bytes(png_bytes())
    assert open_upload(str(tmp_path / "picture.png"), tmp_path).rgb.shape == (20, 30, 3)
    (tmp_path / "picture.png").unlink()
    with pytest.raises(InputError, match="please upload it again"):
        open_upload(str(tmp_path / "picture.png"), tmp_path)


def test_a_picture_in_use_is_young(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(png_bytes())
    os.utime(path, (0, 0))
    open_upload(str(path), tmp_path)
    assert path.stat().st_mtime > 10**9


def test_handler_output_is_kept_without_loss(page):
    event, data = call(page[0], None, "example")
    assert event == "complete"
    shown = httpx.get(f"{page[0]}/file={data[0]['path']}").raise_for_status().content
    image = Image.open(io.BytesIO(shown))
    assert image.format == "PNG" and (np.asarray(image) == 77).all()


def test_large_photo_is_scaled_down(page, monkeypatch):
    monkeypatch.setattr(app.server.uploads, "MAX_SIDE_PX", 15)
    event, data = call(page[0], upload(page[0], png_bytes()))
    assert data == ["(10, 15, 3) uint8 [10, 200, 30]"]
    assert page[1][-1].notes == ("Scaled down from 0.0 megapixels to 15 x 10.",)


def test_one_file_is_decoded_at_a_time(page, monkeypatch):
    api, _ = page
    inside, most = [], []
    original = app.server.uploads.decode_image

    def slow(*arguments, **options):
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.1)
        inside.pop()
        return original(*arguments, **options)

    monkeypatch.setattr(app.server.uploads, "decode_image", slow)
    payload = gr.data_classes.ImageData(path=upload(api, png_bytes())["path"])
    threads = [threading.Thread(target=UploadImage().preprocess, args=(payload,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]


def test_no_stub_file_is_written():
    assert not Path(app.server.uploads.__file__).with_suffix(".pyi").exists()


def test_gradio_names():
    component = UploadImage()
    assert component.get_block_name() == "image"
    assert {"upload", "change", "clear", "input"} <= {str(event) for event in UploadImage.EVENTS}


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if not chromium:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium or no Playwright, which CI must have")
        pytest.skip("no Chromium or no Playwright here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def test_in_a_browser(page, browser, tmp_path):
    """A bad file gives a toast with our sentence; a good one after it is read."""
    tab = browser.new_page()
    tab.goto(page[0].removesuffix("/gradio_api"), wait_until="domcontentloaded")
    chooser = tab.locator("#picture input[type=file]")
    bad = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"no photo at all"}
    chooser.set_input_files(bad)
    toast = tab.locator(".toast-body")
    toast.wait_for()
    assert "The file is not an image of a known kind; PNG, JPEG, WebP" in toast.inner_text()
    tab.locator("#picture").get_by_label("Remove Image").dispatch_event("click")  # the toast may lie over it
    good = {"name": "photo.png", "mimeType": "image/png", "buffer": png_bytes()}
    chooser.set_input_files(good)
    tab.wait_for_function("document.querySelector('#answer textarea').value.includes('(20, 30, 3)')")
    tab.close()
