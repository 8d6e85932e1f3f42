"""Pictures by digest: kept, made again, with their labels and titles."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from support.image_files import picture as pixels
from support.page_events import event, only_failure, uploaded

import mpm
from app import examples
from app.engine.pictures import Examples, Picture, Pictures, digest

SIZE = pixels().nbytes


def test_a_digest_names_pixels_and_shape():
    rgb = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert digest(rgb) == digest(rgb.copy()) == Picture.of(rgb).digest
    assert digest(rgb) != digest(rgb.reshape(4, 2, 3))
    assert digest(rgb) != digest(rgb + 1)


def test_a_picture_is_found_by_its_digest_only():
    pictures, own = Pictures(), Picture.of(pixels(), title="Mine")
    pictures.add(own)
    assert pictures.find(own.digest) is own
    for name in (None, "", "None", "0" * 24, own.digest + "0"):
        with pytest.raises(mpm.InputError, match="please pick it again"):
            pictures.find(name)


def test_pictures_that_made_room_are_made_again():
    pictures, calls = Pictures(cache_bytes=SIZE), []

    def make(shift: int) -> Picture:
        calls.append(shift)
        return Picture.of(pixels() + np.uint8(shift))

    first, second = (pictures.add(make(shift), lambda shift=shift: make(shift)) for shift in (1, 2))
    assert pictures.find(second.digest) is second and calls == [1, 2]
    assert np.array_equal(pictures.find(first.digest).rgb, first.rgb) and calls == [1, 2, 1]


def test_nobody_can_make_again_what_nobody_told_how():
    pictures = Pictures(cache_bytes=SIZE)
    first, _ = (pictures.add(Picture.of(pixels() + np.uint8(shift))) for shift in (1, 2))
    with pytest.raises(mpm.InputError, match="please pick it again"):
        pictures.find(first.digest)


def test_a_file_that_holds_another_picture_now_is_not_taken_for_the_old_one():
    pictures = Pictures(cache_bytes=SIZE)
    first = pictures.add(Picture.of(pixels()), lambda: Picture.of(255 - pixels()))
    pictures.add(Picture.of(pixels() + np.uint8(1)))
    with pytest.raises(mpm.InputError, match="please pick it again"):
        pictures.find(first.digest)


def test_pictures_too_large_to_keep_are_made_each_time():
    pictures, own = Pictures(cache_bytes=SIZE - 1), Picture.of(pixels())
    assert pictures.add(own, lambda: own) is own
    assert pictures.find(own.digest) is own


def test_labels_stay_for_the_same_pixels():
    pictures, truth = Pictures(), np.zeros((32, 48), np.uint8)
    street = pictures.add(Picture.of(pixels(), title="Street 4", truth=truth))
    again = pictures.add(Picture.of(pixels(), title="holiday"))
    assert again is street and pictures.find(street.digest).truth is truth
    other = pictures.add(Picture.of(pixels() + np.uint8(1), title="holiday"))
    assert other.truth is None


def test_examples_are_opened_once_and_bring_their_labels():
    opened = []

    class Counted(examples.Example):
        def rgb(self):
            opened.append(self.stem)
            return super().rgb()

    shipped = [Counted(**vars(own)) for own in examples.EXAMPLES if own.labels]
    found = Examples(shipped, Pictures())
    for example in shipped * 2:
        picture = found.find(example.stem)
        assert picture.title == example.title and picture.truth.shape == picture.rgb.shape[:2]
        assert picture.truth.max() <= 11 and len(np.unique(picture.truth)) > 6
    assert opened == [example.stem for example in shipped]
    with pytest.raises(mpm.InputError, match="choose one of camvid-"):
        found.find("../../etc/passwd")


@pytest.mark.parametrize("truth", [np.ones((32, 48), np.uint8), None])
def test_an_example_stays_itself_whoever_sent_the_same_pixels(truth):
    example = SimpleNamespace(stem="one", title="One", rgb=pixels, truth=lambda: truth)
    pictures = Pictures(cache_bytes=pixels().nbytes * 4 // 3)
    found = Examples([example], pictures)
    own = found.find("one")
    pictures.add(Picture.of(pixels() + np.uint8(1)))  # makes it go
    pictures.add(Picture.of(pixels(), title="of a stranger"))
    again = found.find("one")
    assert (again.digest, again.title) == (own.digest, "One")
    assert again.truth is truth and pictures.find(own.digest).title == "One"


def open_file(on, path: str, name: object = "a.png") -> dict:
    return json.loads(next(on.open(event(source={"upload": path, "name": name}))))


def test_an_upload_that_made_room_is_decoded_again_while_its_file_is_there(on, uploads, smooth_image):
    on.pictures = Pictures(cache_bytes=smooth_image.nbytes)
    path = uploaded(uploads, smooth_image)
    opened = open_file(on, path)
    on.pictures.add(Picture.of(255 - smooth_image))
    assert np.array_equal(on.pictures.find(opened["picture"]).rgb, smooth_image)
    on.pictures.add(Picture.of(255 - smooth_image))
    (uploads / "picture.png").unlink()
    failed = only_failure(on.custom(event(2, opened["picture"])))
    assert "again" in failed["message"] and "uploads" not in failed["message"]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("holiday.jpg", "holiday"),
        ("a.b.c.png", "a.b.c"),
        (".png", ".png"),
        ("  no ending ", "no ending"),
        ("<b>bold</b>.png", "<b>bold</b>"),
        ("a\n\x00\x1b[31m\u202eb.png", "a[31mb"),
        ("x" * 10_000 + ".png", "x" * 60),
        ("x" * 10_000, "x" * 60),
        ("\x00\n", "Your picture"),
        ("   .png", ".png"),
        ("", "Your picture"),
        (None, "Your picture"),
        ("\ud800.png", ".png"),
    ],
)
def test_titles_are_file_names_as_far_as_they_can_be_shown(on, uploads, smooth_image, name, title):
    shown = open_file(on, uploaded(uploads, smooth_image), name)["title"]
    assert shown == title


@pytest.mark.parametrize("name", [7, ["a"], {"a": 1}, True])
def test_names_that_are_none_give_a_short_title(on, uploads, smooth_image, name):
    assert 0 < len(open_file(on, uploaded(uploads, smooth_image), name)["title"]) <= 60


@pytest.mark.parametrize(
    "source",
    [
        None, 7, "x", [], {}, {"picture": None}, {"picture": ["a"]}, {"picture": 7}, {"example": None},
        {"example": ["rain"]}, {"example": "x" * 100_000}, {"upload": None}, {"upload": ["a"], "name": []},
        {"upload": "/etc/passwd"}, {"upload": "https://example.org/a.png"}, {"upload": "a\x00b"},
        {"upload": "x" * 100_000}, {"upload": ""},
    ],
)  # fmt: skip
def test_sources_of_strangers_are_one_sentence(on, uploads, caplog, source):
    uploads.mkdir()
    failed = only_failure(on.open(event(source=source)))
    assert failed["what"] == "open" and failed["generation"] == 1
    assert not caplog.records, "nothing to look after"


@pytest.mark.parametrize("name", ["x" * 5000, "a\x00b.png", "", "."])
def test_odd_paths_inside_the_folder_are_one_sentence_too(on, uploads, caplog, name):
    uploads.mkdir()
    only_failure(on.open(event(source={"upload": f"{uploads}/{name}"})))
    assert not caplog.records
