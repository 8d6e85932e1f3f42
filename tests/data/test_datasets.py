"""What all readers have in common, synthetic scenes, and the sequences around."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support.dataset_files import H, W, photo, stored, write

from mpm.data.datasets import (
    FIRST_TRAINING_SEED,
    READERS,
    CamVid,
    FirstOf,
    InMemory,
    SyntheticStreets,
    held_out_streets,
    open_dataset,
)
from mpm.errors import InputError


def test_readers_by_name(camvid):
    assert all(reader.name == name and reader.label_set for name, reader in READERS.items())
    assert isinstance(open_dataset("camvid", camvid), CamVid)
    with pytest.raises(InputError, match="No data set 'coco': there are camvid, ade20k"):
        open_dataset("coco", camvid)


def test_red_comes_first(camvid):
    red = photo()
    red[..., 0] = 255
    write(camvid / "val/images/scene_1.png", red)
    image, _ = CamVid(camvid, "val")[1]
    assert image[0, 0].tolist() == [255, 0, 0]


HALVES = np.where(np.arange(W) < W // 2, 255, 0)[None, :, None] * np.ones((H, 1, 3), np.uint8)
"""The left half is white; there the labels of the tests below are 1."""


def write_with_orientation(camvid, suffix: str, orientation: int, labels: np.ndarray) -> None:
    """Image and labels of scene_1, the image with an EXIF tag."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    (camvid / "val/images/scene_1.png").unlink()
    Image.fromarray(HALVES.astype(np.uint8)).save(
        camvid / f"val/images/scene_1{suffix}", exif=exif, quality=100
    )
    write(camvid / "val/labels/scene_1.png", labels)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("orientation", range(9))
def test_labels_belong_to_the_stored_pixels(camvid, suffix, orientation):
    """A tag that turns by 180 degrees or mirrors keeps the size: the picture alone was turned."""
    drawn = (HALVES[..., 0] > 0).astype(np.uint8)
    write_with_orientation(camvid, suffix, orientation, drawn)
    image, labels = CamVid(camvid, "val")[1]
    assert image.shape == (H, W, 3) and np.array_equal(labels, drawn)
    assert np.array_equal(image[..., 0] > 127, labels == 1)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize(("orientation", "white_above"), [(5, True), (6, True), (7, False), (8, False)])
def test_labels_of_the_turned_pictures_size_get_the_turned_picture(camvid, suffix, orientation, white_above):
    """Orientation 6, clockwise: what was left is above. 8: below."""
    above = np.arange(W)[:, None] < W // 2
    drawn = np.broadcast_to(above == white_above, (W, H)).astype(np.uint8)
    write_with_orientation(camvid, suffix, orientation, drawn)
    image, labels = CamVid(camvid, "val")[1]
    assert image.shape == (W, H, 3) and np.array_equal(image[..., 0] > 127, labels == 1)


def test_labels_of_another_orientation_without_a_tag_that_says_so(camvid):
    for orientation in (1, 3):
        write_with_orientation(camvid, ".png", orientation, np.zeros((W, H), np.uint8))
        with pytest.raises(InputError, match="6 x 8 pixels, but its image is 8 x 6"):
            CamVid(camvid, "val")[1]


def test_palette_labels_are_read_as_indices(camvid):
    indexed = Image.fromarray(stored(5), mode="P")
    indexed.putpalette([200, 100, 50] * 256)
    indexed.save(camvid / "val/labels/scene_0.png")
    assert (CamVid(camvid, "val")[0][1] == 5).all()


def test_broken_image_and_broken_labels(camvid):
    (camvid / "val/images/scene_0.png").write_bytes(b"not a picture")
    (camvid / "val/images/scene_2.png").write_bytes(b"")
    (camvid / "val/labels/scene_1.png").write_bytes(b"nor this")
    dataset = CamVid(camvid, "val")
    for index in (0, 2):
        with pytest.raises(InputError, match="not a readable image"):
            dataset[index]
    with pytest.raises(InputError, match="not a readable label image"):
        dataset[1]


def test_labels_damaged_inside_the_file(camvid):
    path = camvid / "val/labels/scene_1.png"
    write(path, np.random.default_rng(0).integers(0, 12, (H, W), dtype=np.uint8))
    whole = path.read_bytes()
    data = whole.index(b"IDAT")
    truncated, no_such_chunk = whole[: data + 10], whole[:data] + b"\xff\xff" + whole[data + 2 :]
    for damaged in (truncated, no_such_chunk):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="not a readable label image"):
            CamVid(camvid, "val")[1]


def test_an_image_that_vanished(camvid):
    dataset = CamVid(camvid, "val")
    (camvid / "val/images/scene_1.png").unlink()
    with pytest.raises(InputError, match="scene_1.png cannot be read"):
        dataset[1]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (stored(12), "holds label 12, which camvid does not have"),
        (photo(), "one 8-bit label a pixel"),
        (np.zeros((5, 8), np.uint8), "8 x 5 pixels, but its image is 8 x 6"),
    ],
)
def test_wrong_labels(camvid, labels, sentence):
    write(camvid / "val/labels/scene_0.png", labels)
    with pytest.raises(InputError, match=sentence):
        CamVid(camvid, "val")[0]


def test_first_of_spreads_over_the_data_set(camvid):
    dataset = FirstOf(CamVid(camvid, "val"), 2)
    assert [int(labels[0, 0]) for _, labels in dataset] == [0, 2]
    assert dataset.label_set is CamVid.label_set
    assert len(FirstOf(CamVid(camvid, "val"), 99)) == 3
    with pytest.raises(InputError, match="at least 1"):
        FirstOf(CamVid(camvid, "val"), 0)


def test_in_memory_survives_the_folder(camvid):
    dataset = InMemory(CamVid(camvid, "val"))
    (camvid / "val/images/scene_2.png").unlink()
    assert len(dataset) == 3 and (dataset[2][1] == 2).all() and dataset.label_set is CamVid.label_set


def test_synthetic_streets_are_seeded_scenes():
    dataset = SyntheticStreets([3, 4], size_px=(96, 64))
    image, labels = dataset[0]
    assert image.shape == (64, 96, 3) and image.dtype == np.uint8
    assert labels.shape == (64, 96) and labels.dtype == np.uint8 and labels.max() <= 11
    assert np.array_equal(image, dataset[0][0])
    assert not np.array_equal(image, dataset[1][0])


def test_held_out_scenes_stay_below_the_training_seeds():
    assert len(held_out_streets(FIRST_TRAINING_SEED)) == FIRST_TRAINING_SEED
    for count in (0, FIRST_TRAINING_SEED + 1):
        with pytest.raises(InputError, match="number of scenes"):
            held_out_streets(count)
