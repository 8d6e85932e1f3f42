"""A data set of one's own: what lies where, classes.json, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from mpm import InputError
from mpm.data.datasets import Folder, open_dataset

ROWS = np.arange(12, dtype=np.uint8)[:, None] % 3


def put(home, stem="1", labels=None, suffix="jpg"):
    """An image and its labels, in the folders where they belong."""
    for folder in ("images", "labels"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    labels = np.repeat(ROWS, 16, 1) if labels is None else labels
    Image.fromarray(np.stack([labels * 50] * 3, 2)).save(home / "images" / f"{stem}.{suffix}")
    Image.fromarray(labels).save(home / "labels" / f"{stem}.png")


def describe(root, **told):
    (root / "classes.json").write_text(json.dumps(told), encoding="utf-8")
    return root


def test_images_labels_and_names_of_ones_own(tmp_path):
    labels = np.repeat(ROWS, 16, 1)
    labels[0, :5] = 255
    put(tmp_path / "val", "b", labels)
    put(tmp_path / "val", "a", suffix="PNG")
    put(tmp_path / "train", "c")
    describe(tmp_path, classes=["Straße", "car", "tree"])
    dataset = Folder(tmp_path, "val")
    assert len(dataset) == 2 and dataset.label_set.class_names == ("Straße", "car", "tree")
    image, found = dataset[1]
    assert image.shape == (12, 16, 3) and dataset.label_set.ignore_index == 3
    assert np.array_equal(found, np.where(labels == 255, 3, labels))
    assert len(np.unique(dataset.label_set.palette, axis=0)) == 3
    assert len(open_dataset("folder", tmp_path, "train")) == 1
    assert Folder.label_set.class_names == (), "another folder has other classes"


def test_palette_ignored_number_and_a_folder_without_splits(tmp_path):
    labels = np.repeat(ROWS, 16, 1)
    put(tmp_path, labels=labels)
    describe(tmp_path, classes=["a", "b"], palette=[[1, 2, 3], [255, 0, 0]], ignore_index=2)
    dataset = Folder(tmp_path)
    assert dataset.label_set.palette.tolist() == [[1, 2, 3], [255, 0, 0]]
    assert np.array_equal(dataset[0][1], labels), "here the ignored index is its own place"
    describe(tmp_path, classes=["a", "b"], ignore_index=None)
    with pytest.raises(InputError, match="holds label 2, which folder does not have"):
        Folder(tmp_path)[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not a JSON file"),
        ("[]", "must hold"),
        ("{}", "list of 1 to 254 different names"),
        ('{"classes": []}', "list of 1 to 254"),
        ('{"classes": "ab"}', "list of 1 to 254"),
        ('{"classes": ["a", "a"]}', "different names"),
        ('{"classes": ["a", 1]}', "different names"),
        (json.dumps({"classes": [str(number) for number in range(255)]}), "list of 1 to 254"),
        ('{"classes": ["a"], "colours": []}', "has 'colours'"),
        ('{"classes": ["a"], "palette": [[1, 2]]}', "list of 1 colours"),
        ('{"classes": ["a"], "palette": [[1, 2], [3]]}', "list of 1 colours"),
        ('{"classes": ["a"], "palette": [[1, 2, 256]]}', "0 to 255"),
        ('{"classes": ["a"], "palette": [[0.5, 2, 3]]}', "0 to 255"),
        ('{"classes": ["a", "b"], "ignore_index": 1}', "null or a whole number, 2 to 255"),
        ('{"classes": ["a", "b"], "ignore_index": true}', "null or a whole number"),
        ('{"classes": ["a", "b"], "ignore_index": 256}', "null or a whole number"),
    ],
)
def test_a_classes_file_that_says_something_else(tmp_path, text, sentence):
    put(tmp_path)
    (tmp_path / "classes.json").write_text(text)
    with pytest.raises(InputError, match=sentence):
        Folder(tmp_path)


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(InputError, match="classes.json .*one's own data set holds"):
        Folder(tmp_path)
    describe(tmp_path, classes=["a", "b", "c"])
    with pytest.raises(InputError, match="No folder .*images: one's own data set holds .*train/images"):
        Folder(tmp_path, "train")
    put(tmp_path / "train")
    (tmp_path / "train" / "labels" / "1.png").unlink()
    with pytest.raises(InputError, match="has no labels"):
        Folder(tmp_path, "train")
    put(tmp_path / "train", suffix="png")
    with pytest.raises(InputError, match="would have the same labels"):
        Folder(tmp_path, "train")
