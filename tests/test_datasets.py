"""CamVid folders, synthetic scenes and the small sequences around them."""

import numpy as np
import pytest
from PIL import Image

from mpm.datasets import FIRST_TRAINING_SEED, CamVid, FirstOf, InMemory, SyntheticStreets, held_out_streets
from mpm.errors import InputError


@pytest.fixture
def camvid(tmp_path):
    """A CamVid copy of three tiny val pairs: image i is filled with 40 i, labels with i."""
    images, labels = tmp_path / "val" / "images", tmp_path / "val" / "labels"
    images.mkdir(parents=True)
    labels.mkdir()
    for index in range(3):
        Image.fromarray(np.full((6, 8, 3), 40 * index, np.uint8)).save(images / f"scene_{index}.png")
        Image.fromarray(np.full((6, 8), index, np.uint8)).save(labels / f"scene_{index}.png")
    return tmp_path


def test_camvid_pairs_by_stem(camvid):
    dataset = CamVid(camvid, "val")
    assert (dataset.name, dataset.split, len(dataset)) == ("camvid", "val", 3)
    for index, (image, labels) in enumerate(dataset):
        assert image.dtype == np.uint8 and image.shape == (6, 8, 3) and (image == 40 * index).all()
        assert labels.dtype == np.uint8 and labels.shape == (6, 8) and (labels == index).all()


def test_camvid_reads_red_first(camvid):
    red = np.zeros((6, 8, 3), np.uint8)
    red[..., 0] = 255
    Image.fromarray(red).save(camvid / "val" / "images" / "scene_1.png")
    image, _ = CamVid(camvid, "val")[1]
    assert image[0, 0].tolist() == [255, 0, 0]


def test_camvid_reads_palette_labels_as_indices(camvid):
    indexed = Image.fromarray(np.full((6, 8), 5, np.uint8), mode="P")
    indexed.putpalette([200, 100, 50] * 256)
    indexed.save(camvid / "val" / "labels" / "scene_0.png")
    assert (CamVid(camvid, "val")[0][1] == 5).all()


def test_missing_folder_says_what_it_should_hold(tmp_path):
    with pytest.raises(InputError, match=r"val/images/\*.jpg and val/labels/\*.png"):
        CamVid(tmp_path / "nowhere", "val")


def test_empty_folder(tmp_path):
    (tmp_path / "val" / "images").mkdir(parents=True)
    (tmp_path / "val" / "labels").mkdir()
    with pytest.raises(InputError, match="holds no image"):
        CamVid(tmp_path, "val")


def test_image_without_labels(camvid):
    (camvid / "val" / "labels" / "scene_1.png").unlink()
    with pytest.raises(InputError, match="scene_1.* has no labels"):
        CamVid(camvid, "val")


def test_broken_image_and_broken_labels(camvid):
    (camvid / "val" / "images" / "scene_0.png").write_bytes(b"not a picture")
    (camvid / "val" / "images" / "scene_2.png").write_bytes(b"")
    (camvid / "val" / "labels" / "scene_1.png").write_bytes(b"nor this")
    dataset = CamVid(camvid, "val")
    for index in (0, 2):
        with pytest.raises(InputError, match="not a readable image"):
            dataset[index]
    with pytest.raises(InputError, match="not a readable label image"):
        dataset[1]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.full((6, 8), 12, np.uint8), "holds class 12, but the largest allowed is 11"),
        (np.zeros((6, 8, 3), np.uint8), "one 8-bit class index a pixel"),
        (np.zeros((5, 8), np.uint8), "8 x 5 pixels, but its image is 8 x 6"),
    ],
)
def test_wrong_labels(camvid, labels, sentence):
    Image.fromarray(labels).save(camvid / "val" / "labels" / "scene_0.png")
    with pytest.raises(InputError, match=sentence):
        CamVid(camvid, "val")[0]


def test_first_of_spreads_over_the_data_set(camvid):
    dataset = FirstOf(CamVid(camvid, "val"), 2)
    assert [int(labels[0, 0]) for _, labels in dataset] == [0, 2]
    assert len(FirstOf(CamVid(camvid, "val"), 99)) == 3
    with pytest.raises(InputError, match="at least 1"):
        FirstOf(CamVid(camvid, "val"), 0)


def test_in_memory_survives_the_folder(camvid):
    dataset = InMemory(CamVid(camvid, "val"))
    (camvid / "val" / "images" / "scene_2.png").unlink()
    assert len(dataset) == 3 and (dataset[2][1] == 2).all()


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
