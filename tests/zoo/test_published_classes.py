"""Which classes a published file has: told by its own words, never by their number."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.published_files import VIT, as_mmseg, linear_tensors, vit_tensors, write_segmenter
from support.published_models import WIDTH, encoder_tensors, write_dinov2

import mpm
from mpm.data.labels import ADE20K, CITYSCAPES, LABEL_SETS, by_name
from mpm.zoo import registry

FACE = ["background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear"]
FACE += ["mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth"]
COLOURS = [[10 * number, 255 - number, number] for number in range(19)]


def mmseg_file(folder, classes: int, name="seg.pth", **beside):
    """mmsegmentation's file of a tiny model, with more beside its tensors."""
    tensors = as_mmseg(vit_tensors(64, 1, 16, 4), linear_tensors(64, classes))
    torch.save({"state_dict": tensors, **beside}, folder / name)
    return folder / name


def labels_of(path):
    config = mpm.load_segmenter(path).config
    return config.labels, config.remark


def assert_assumed(path, count: int) -> None:
    labels, remark = labels_of(path)
    assert (labels.name, labels.ignore_index) == ("unknown", None)
    assert labels.class_names == tuple(f"class {number}" for number in range(1, count + 1))
    assert len(np.unique(labels.palette, axis=0)) == count
    assert remark == (
        f"The checkpoint does not name its classes: class 1 to class {count} are assumed names."
    )


@pytest.mark.parametrize(
    "meta",
    [
        {"CLASSES": tuple(FACE), "PALETTE": COLOURS},
        {"dataset_meta": {"classes": FACE, "palette": COLOURS}},
        {"dataset_meta": {"CLASSES": FACE, "PALETTE": np.array(COLOURS)}},
        {"CLASSES": FACE, "PALETTE": np.asfortranarray(np.array(COLOURS, np.uint8))},
        {"dataset_meta": {"classes": None}, "CLASSES": FACE, "PALETTE": np.array(COLOURS, ">i4")},
    ],
)
def test_nineteen_parts_of_a_face_are_no_streets(tmp_path, meta):
    labels, remark = labels_of(mmseg_file(tmp_path, 19, meta=meta))
    assert (labels.name, labels.class_names, remark) == ("own", tuple(FACE), "")
    assert labels.palette.tolist() == COLOURS and labels.ignore_index is None


def test_the_names_travel_with_the_model_in_our_format(tmp_path):
    segmenter = mpm.load_segmenter(mmseg_file(tmp_path, 19, meta={"CLASSES": FACE}))
    again = mpm.load_segmenter(mpm.save_segmenter(segmenter, tmp_path / "ours"))
    assert again.class_names == FACE and again.config.to_json() == segmenter.config.to_json()


def test_names_of_a_known_set_are_that_set(tmp_path):
    """mmsegmentation writes "bed " and "television receiver"."""
    theirs = [{"bed": "bed ", "television": "television receiver"}.get(n, n) for n in ADE20K.class_names]
    assert labels_of(mmseg_file(tmp_path, 150, meta={"CLASSES": theirs}))[0] is ADE20K
    for labels in LABEL_SETS:
        file = mmseg_file(tmp_path, len(labels.class_names), meta={"CLASSES": labels.class_names})
        assert labels_of(file) == (labels, "")


@pytest.mark.parametrize("count", [1, 2, 11, 19, 21, 59, 60, 150, 255, 256, 10_000])
def test_any_number_of_classes_loads_and_untold_names_are_assumed(tmp_path, count):
    assert_assumed(mmseg_file(tmp_path, count), count)


def test_many_classes_run(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (32, 48, 3), np.uint8)
    for count in (1, 300):
        run = mpm.load_segmenter(mmseg_file(tmp_path, count)).segment(picture, "0", resolution=32)
        assert run.labels.shape == (32, 48) and run.labels.max() < count


@pytest.mark.parametrize(
    "names",
    [
        FACE[:18],
        [*FACE[:18], 7],
        [*FACE[:18], b"cloth"],
        [*FACE[:18], " \n "],
        [*FACE[:18], "\u202e\x07"],
        [*FACE[:18], "x" * 10**6],
        "a string of 19 char",
        dict.fromkeys(FACE),
        {"names": FACE},
        [FACE] * 19,
        np.arange(19),
        torch.zeros(19),
        ["many"] * 10**5,
    ],
    ids=lambda names: type(names).__name__,
)
def test_strange_names_count_as_none(tmp_path, names):
    assert_assumed(mmseg_file(tmp_path, 19, meta={"CLASSES": names, "PALETTE": COLOURS}), 19)


@pytest.mark.parametrize("meta", [None, "text", [], 7, {"dataset_meta": 3}, {3: 4}])
def test_strange_meta_counts_as_none(tmp_path, meta):
    assert_assumed(mmseg_file(tmp_path, 19, meta=meta), 19)


@pytest.mark.parametrize(
    "palette",
    [
        COLOURS[:18],
        [*COLOURS[:18], [0, 0, 256]],
        [*COLOURS[:18], [0, 0, 10**40]],
        [*COLOURS[:18], [0, 0]],
        [*COLOURS[:18], "rgb"],
        [*COLOURS[:18], [0.5, 0, 0]],
        np.zeros((19, 3)),
        np.zeros((19, 4), np.uint8),
        np.zeros((0, 3), np.uint8),
        np.array([object()] * 3, object)[:0],
        "text",
        7,
    ],
    ids=lambda palette: type(palette).__name__,
)
def test_a_strange_palette_is_replaced(tmp_path, palette):
    labels, remark = labels_of(mmseg_file(tmp_path, 19, meta={"CLASSES": FACE, "PALETTE": palette}))
    assert labels.class_names == tuple(FACE) and remark == ""
    assert len(np.unique(labels.palette, axis=0)) == 19


def test_names_are_one_line_each_and_none_hides_another(tmp_path):
    meta = {"CLASSES": [" road\n\tand kerb ", "other", "other", "a\x1b[31mb"]}
    labels, _ = labels_of(mmseg_file(tmp_path, 4, meta=meta))
    assert labels.class_names == ("road and kerb", "other", "other (3)", "a[31mb")


def segmenter_folder(folder, classes: int, data_set: str):
    encoder, decoder = encoder_tensors(), linear_tensors(WIDTH, classes)
    return write_segmenter(folder, encoder, decoder, **VIT | {"classes": classes, "dataset": data_set})


@pytest.mark.parametrize(
    ("told", "classes", "expected"),
    [
        ("ade20k", 150, "ade20k"),
        ("cityscapes", 19, "cityscapes"),
        ("pascal_context", 60, "pascal-context-60"),
        ("pascal_context", 59, "pascal-context-59"),
    ],
)
def test_a_variant_names_its_data_set(tmp_path, told, classes, expected):
    assert labels_of(segmenter_folder(tmp_path, classes, told)) == (by_name(expected), "")


@pytest.mark.parametrize(
    ("told", "classes"),
    [("faces", 19), ("camvid", 11), ("coco", 60), ("ade20k", 19), ("[ade20k]", 150), ("null", 19)],
)
def test_a_variant_of_another_data_set_is_none_of_ours(tmp_path, told, classes):
    assert_assumed(segmenter_folder(tmp_path, classes, told), classes)


def test_dinov2s_head_is_named_by_its_own_words_alone(tmp_path):
    assert_assumed(write_dinov2(tmp_path), 150)
    head = tmp_path / "dinov2_ade20k_linear_head.pth"
    torch.save(torch.load(head) | {"meta": {"CLASSES": ADE20K.class_names}}, head)
    assert labels_of(tmp_path) == (ADE20K, "")


def test_the_publishers_table_names_what_its_files_do_not(tmp_path):
    """Files that a person downloaded, under their own names: in a folder of theirs, and by themselves."""
    entry = registry.find("mmseg-vit-t-mask-ade20k")
    file = mmseg_file(tmp_path, 150, name=entry.files[0].name)
    assert labels_of(file) == labels_of(tmp_path) == (ADE20K, "")
    other = mmseg_file(tmp_path, 19, name=entry.files[0].name)
    assert_assumed(other, 19)
    told = mmseg_file(tmp_path, 19, name=file.name, meta={"CLASSES": CITYSCAPES.class_names})
    assert labels_of(told)[0] is CITYSCAPES
