"""The endpoint as a program uses it: through gradio_client, over HTTP."""

from __future__ import annotations

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from support.patience import PATIENCE_S, until

import mpm
from app.endpoint import add_endpoint
from app.engine.engine import Engine
from app.engine.models import Models
from app.engine.pictures import Picture
from app.engine.scheduler import Claim


@pytest.fixture(scope="module")
def engine(tiny, tmp_path_factory) -> Engine:
    folder = mpm.save_segmenter(tiny, tmp_path_factory.mktemp("model") / "tiny")
    return Engine(str(folder), "cpu", threads=1).start()


@pytest.fixture(scope="module")
def client(engine):
    with gr.Blocks(analytics_enabled=False) as page:
        add_endpoint(Models.of(engine))
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, run_history=False, show_error=False)
    yield Client(url, verbose=False)
    page.close()


@pytest.fixture
def photo(tmp_path, smooth_image):
    path = tmp_path / "photo.png"
    Image.fromarray(smooth_image).save(path)
    return path


def test_image_and_schedule_in_mask_and_merge_map_out(client, engine, photo, smooth_image):
    mask, report = client.predict(image=handle_file(str(photo)), schedule="1,3", api_name="/segment")
    run = engine.segment(Picture.of(smooth_image), "1,3")
    assert np.array_equal(np.asarray(Image.open(mask).convert("RGB")), mpm.STREETS.palette[run.labels])
    assert report["token_counts"] == run.trace.token_counts
    assert report["merge_map"][0]["partner"] == run.trace.stages[0].partner.tolist()
    assert set(report["timing_s"]["parts"]) == set(run.timing.parts) | set(mpm.clock.PARTS)


def test_the_decoder_s_notes_arrive(client, tmp_path, smooth_image):
    frames = [Image.fromarray(smooth_image), Image.fromarray(255 - smooth_image)]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    _, report = client.predict(
        image=handle_file(str(tmp_path / "two.gif")), schedule="1", api_name="/segment"
    )
    assert any("first" in note for note in report["notes"])


def test_a_schedule_left_empty_by_a_program_is_the_paper_s_where_it_fits(client, photo):
    # The tiny model has four blocks, so the paper's {2, 5} does not fit: a sentence, not a traceback.
    with pytest.raises(AppError, match="0 to 3"):
        client.predict(image=handle_file(str(photo)), schedule=None, api_name="/segment")


def test_any_recipe_and_the_list_of_rules(client, engine, photo, smooth_image):
    _, report = client.predict(
        image=handle_file(str(photo)), schedule="bipartite(0.25)@1|sizes", api_name="/segment"
    )
    run = engine.segment(Picture.of(smooth_image), "bipartite(0.25)@1|sizes")
    assert (
        report["schedule"] == "bipartite(0.25)@1|sizes" and report["token_counts"] == run.trace.token_counts
    )
    (stage,) = report["merge_map"]
    assert stage["rule"] == "bipartite(0.25)" and len(stage["reason"]) == len(stage["index"])
    listed = client.predict(api_name="/rules")
    assert [rule["name"] for rule in listed] == [rule.name for rule in mpm.rules()]
    assert client.predict(api_name="/recipes") == engine.named_recipes
    for bad in ("nobody@1", "bipartite(7)@1", "1," * 60_000):
        with pytest.raises(AppError) as refused:
            client.predict(image=handle_file(str(photo)), schedule=bad, api_name="/segment")
        assert len(str(refused.value)) < 300


def test_it_is_documented_and_the_only_one(client):
    described = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert list(described) == ["/rules", "/recipes", "/segment"]
    assert [parameter["parameter_name"] for parameter in described["/segment"]["parameters"]] == [
        "image",
        "schedule",
        "model",
    ]


@pytest.mark.parametrize("schedule", ["2,x", "99"])
def test_bad_schedules_are_one_sentence(client, photo, schedule):
    with pytest.raises(AppError, match="[Ss]chedule|recipe"):
        client.predict(image=handle_file(str(photo)), schedule=schedule, api_name="/segment")


@pytest.mark.parametrize("model", ["/etc/passwd", "no-such-model"])
def test_only_models_on_offer_are_opened(client, photo, model):
    with pytest.raises(AppError, match="This page has no model"):
        client.predict(image=handle_file(str(photo)), schedule="2", model=model, api_name="/segment")


def test_the_model_may_be_named(client, engine, photo):
    sent = {"image": handle_file(str(photo)), "schedule": "2", "api_name": "/segment"}
    named, own = (client.predict(**sent, model=model)[1] for model in (engine.name, ""))
    assert named["token_counts"] == own["token_counts"]


def test_a_program_waits_for_its_turn_like_everybody(client, engine, photo):
    ticket = engine.scheduler.enter(Claim("somebody else"))
    assert ticket.wait(PATIENCE_S)
    job = client.submit(image=handle_file(str(photo)), schedule="1", api_name="/segment")
    until(lambda: len(engine.scheduler._waiting) == 1)
    assert not job.done()
    ticket.leave()
    assert job.result(timeout=PATIENCE_S)[1]["schedule"] == "1"


def test_a_picture_of_a_program_is_not_kept(client, engine, photo, smooth_image):
    client.predict(image=handle_file(str(photo)), schedule="3", api_name="/segment")
    assert engine.at_hand(Picture.of(smooth_image), ["3"]) == {}
