"""Readers on tiny folders in each data set's published layout."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from support.dataset_files import H, W, first_labels, stored, write

from mpm.data.datasets import ADE20K, CamVid, Cityscapes, PascalContext59, PascalContext60, open_dataset
from mpm.errors import InputError


class TestCamVid:
    def test_pairs_by_stem(self, camvid):
        dataset = CamVid(camvid, "val")
        assert (dataset.name, dataset.split, len(dataset)) == ("camvid", "val", 3)
        for index, (image, labels) in enumerate(dataset):
            assert image.dtype == np.uint8 and image.shape == (H, W, 3) and (image == 40 * index).all()
            assert labels.dtype == np.uint8 and labels.shape == (H, W) and (labels == index).all()

    def test_keeps_all_classes_and_void(self, camvid):
        write(camvid / "val/labels/scene_0.png", stored(*range(12)))
        assert first_labels(CamVid(camvid, "val"), 12) == list(range(12))

    def test_other_files_beside_the_images_do_not_count(self, camvid):
        (camvid / "val/images/Thumbs.db").write_bytes(b"")
        assert len(CamVid(camvid, "val")) == 3

    def test_empty_folder(self, tmp_path):
        (tmp_path / "val/images").mkdir(parents=True)
        (tmp_path / "val/labels").mkdir()
        with pytest.raises(InputError, match=r"holds no \*: a CamVid copy holds"):
            CamVid(tmp_path, "val")
        (tmp_path / "val/images/notes.txt").write_text("")
        with pytest.raises(InputError, match="holds no image"):
            CamVid(tmp_path, "val")


class TestADE20K:
    def test_label_0_is_ignored_and_the_rest_moves_down(self, ade20k):
        dataset = ADE20K(ade20k)
        assert (dataset.name, dataset.split, len(dataset)) == ("ade20k", "val", 2)
        assert first_labels(dataset, 4) == [255, 0, 1, 149]
        assert [int(image[0, 0, 0]) for image, _ in dataset] == [100, 200]

    def test_the_folder_above_and_the_training_split(self, ade20k):
        assert len(ADE20K(ade20k.parent)) == 2
        assert len(ADE20K(ade20k, "train")) == len(ADE20K(ade20k, "training")) == 1

    def test_label_151_does_not_exist(self, ade20k):
        write(ade20k / "annotations/validation/ADE_val_00000001.png", stored(151))
        with pytest.raises(InputError, match="ADE_val_00000001.png holds label 151, which ade20k does not"):
            ADE20K(ade20k)[0]


class TestCityscapes:
    def test_label_ids_become_train_ids(self, cityscapes):
        dataset = Cityscapes(cityscapes)
        assert (dataset.name, dataset.split, len(dataset)) == ("cityscapes", "val", 2)
        assert first_labels(dataset, 6) == [255, 0, 255, 18, 16, 255]

    def test_every_evaluated_id_has_the_class_of_its_name(self, cityscapes):
        ids = {7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole"}
        ids |= {19: "traffic light", 20: "traffic sign", 21: "vegetation", 22: "terrain", 23: "sky"}
        ids |= {24: "person", 25: "rider", 26: "car", 27: "truck", 28: "bus", 31: "train"}
        ids |= {32: "motorcycle", 33: "bicycle"}
        path = cityscapes / "gtFine/val/frankfurt/frankfurt_000000_000019_gtFine_labelIds.png"
        write(path, stored(*range(34)))
        dataset = Cityscapes(cityscapes)
        names = dataset.label_set.class_names
        found = {label: names[index] for label, index in enumerate(first_labels(dataset, 34)) if index != 255}
        assert found == ids

    def test_converted_train_ids_are_read_where_there_are_no_label_ids(self, cityscapes):
        for path in sorted(cityscapes.rglob("*_gtFine_labelIds.png")):
            write(path.with_name(path.name.replace("labelIds", "labelTrainIds")), stored(255, 0, 18, 7))
            path.unlink()
        dataset = Cityscapes(cityscapes)
        assert first_labels(dataset, 4) == [255, 0, 18, 7]

    def test_a_label_beyond_the_last_id(self, cityscapes):
        for path in cityscapes.rglob("*_gtFine_labelIds.png"):
            write(path, stored(34))
        with pytest.raises(InputError, match="holds label 34, which cityscapes does not have"):
            Cityscapes(cityscapes)[0]


class TestPascalContext:
    def test_the_list_of_the_split_decides(self, pascal):
        dataset = PascalContext60(pascal)
        assert (dataset.name, dataset.split, len(dataset)) == ("pascal-context-60", "val", 2)
        assert len(PascalContext60(pascal.parent)) == 2, "The folder above"

    def test_with_background_and_without(self, pascal):
        assert first_labels(PascalContext60(pascal), 4) == [0, 1, 59, 2]
        assert first_labels(PascalContext59(pascal), 4) == [255, 0, 58, 1]

    def test_an_image_of_the_list_must_be_there(self, pascal):
        (pascal / "JPEGImages/2008_000002.jpg").unlink()
        with pytest.raises(InputError, match="No image .*2008_000002.jpg"):
            PascalContext60(pascal)

    def test_an_empty_list(self, pascal):
        (pascal / "ImageSets/SegmentationContext/val.txt").write_text("\n")
        with pytest.raises(InputError, match="names no image"):
            PascalContext59(pascal)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("camvid", r"a CamVid copy holds val/images/\*.jpg and val/labels/\*.png"),
        ("ade20k", r"ADEChallengeData2016 holds images/validation/\*.jpg and annotations/validation/\*.png"),
        ("cityscapes", r"Cityscapes holds leftImg8bit/val/CITY/\*_leftImg8bit.png and gtFine/val/CITY"),
        ("pascal-context-59", "Pascal Context in VOC2010 holds ImageSets/SegmentationContext/val.txt"),
        ("pascal-context-60", "Pascal Context in VOC2010 holds ImageSets/SegmentationContext/val.txt"),
    ],
)
def test_a_missing_folder_says_what_it_should_hold(tmp_path, name, sentence):
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match=sentence):
            open_dataset(name, root)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("camvid", "val/labels/scene_1.png"),
        ("ade20k", "annotations/validation/ADE_val_00000002.png"),
        ("cityscapes", "gtFine/val/lindau/lindau_000000_000019_gtFine_labelIds.png"),
        ("pascal-context-60", "SegmentationClassContext/2008_000002.png"),
    ],
)
def test_an_image_without_labels(request, name, labels):
    root = request.getfixturevalue("pascal" if name.startswith("pascal") else name)
    assert len(open_dataset(name, root)) >= 2
    (root / labels).unlink()
    with pytest.raises(InputError, match="has no labels: expected .*" + labels.replace("/", ".")):
        open_dataset(name, root)


def test_real_ade20k_samples(tmp_path):
    """Needs real files: MPM_ADE20K names a folder with samples/{images,annotations}."""
    if "MPM_ADE20K" not in os.environ:
        pytest.skip("MPM_ADE20K names no folder with samples/{images,annotations}")
    for kind in ("images", "annotations"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "validation").symlink_to(Path(os.environ["MPM_ADE20K"]) / "samples" / kind)
    dataset = ADE20K(tmp_path)
    names = dataset.label_set.class_names
    assert len(dataset) == 3
    for image, labels in dataset:
        assert image.shape[:2] == labels.shape and image.std() > 10
        present = [index for index in np.unique(labels) if index != 255]
        assert len(present) >= 4 and max(present) < len(names)
        assert np.isin(labels, present).mean() > 0.8, "little of a scene is unlabelled"
