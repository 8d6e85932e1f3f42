"""Checkpoints as training loops leave them: wrappers before the names, histories and options beside them."""

from __future__ import annotations

import argparse
import collections
import datetime
import os
import pathlib
import pickle
import sys
import types

import numpy as np
import pytest
import torch
from support.published_files import VIT as SETTINGS
from support.published_files import as_mmseg, linear_tensors, prefixed, vit_tensors, write_segmenter
from support.published_models import WIDTH, encoder_tensors, write_dinov2

import mpm
from mpm.zoo.formats import pickled
from mpm.zoo.formats.inert import Inert, as_list


def tensors() -> dict:
    return as_mmseg(vit_tensors(64, 1, 16, 4), linear_tensors(64, 19))


@pytest.fixture
def history_buffer(monkeypatch):
    """mmengine's class under its name, as long as the test writes its file."""
    module = types.ModuleType("mmengine.logging.history_buffer")
    made = type("HistoryBuffer", (), {"__module__": module.__name__, "__qualname__": "HistoryBuffer"})
    module.HistoryBuffer = made
    for name in ("mmengine", "mmengine.logging"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return made


def history(kind, values):
    made = kind()
    made.max_length, made._log_history, made._count_history = 10**6, np.array(values), np.ones(len(values))
    return made


@pytest.mark.parametrize("zipped", [True, False])
def test_a_training_checkpoint_of_mmsegmentation_1(tmp_path, history_buffer, monkeypatch, zipped):
    scalars = {"loss": history(history_buffer, [2.5, 1.5]), "empty": history(history_buffer, [])}
    beside = {
        "meta": {"epoch": 1, "time": datetime.datetime(2024, 5, 1, tzinfo=datetime.timezone.utc)},
        "message_hub": {"log_scalars": scalars, "runtime_info": {"best": np.float32(0.4)}},
        "options": argparse.Namespace(lr=1e-3, folder=pathlib.PurePosixPath("runs/1")),
        "took": [datetime.timedelta(seconds=3), np.arange(3), np.bool_(True), np.array(["a"])],
    }
    file = tmp_path / "iter_1.pth"
    torch.save({"state_dict": tensors(), **beside}, file, _use_new_zipfile_serialization=zipped)
    for name in ("mmengine", "mmengine.logging", "mmengine.logging.history_buffer"):
        monkeypatch.delitem(sys.modules, name)
    loaded = pickled.load(file)
    assert loaded.tensors.keys() == tensors().keys()
    assert isinstance(loaded.meta["time"], Inert) and "mmengine" not in sys.modules
    assert len(mpm.load_segmenter(file).class_names) == 19


def test_names_inside_a_configuration_of_mmengine(tmp_path, monkeypatch):
    class ConfigDict(dict):
        __module__, __qualname__ = "mmengine.config.config", "ConfigDict"

        def __reduce_ex__(self, protocol):
            return ConfigDict, (dict(self),), None, None, None

    module = types.ModuleType("mmengine.config.config")
    module.ConfigDict = ConfigDict
    names = tuple(f"part {number}" for number in range(19))
    counts = collections.defaultdict(list, {"a": [1]})
    beside = {"meta": {"dataset_meta": ConfigDict(classes=names)}, "counts": counts}
    with monkeypatch.context() as patch:
        for name in ("mmengine", "mmengine.config"):
            patch.setitem(sys.modules, name, types.ModuleType(name))
        patch.setitem(sys.modules, module.__name__, module)
        torch.save({"state_dict": tensors(), **beside}, tmp_path / "seg.pth")
    assert tuple(mpm.load_segmenter(tmp_path / "seg.pth").class_names) == names


class Hostile:
    """Pickled, it makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_runs_inside_what_is_allowed(tmp_path, history_buffer, zipped):
    proof, file = tmp_path / "ran", tmp_path / "seg.pth"
    hidden = history(history_buffer, [1.0])
    hidden.trick = Hostile(proof)
    for holder in (hidden, argparse.Namespace(trick=Hostile(proof)), np.array([Hostile(proof)], object)):
        torch.save({"state_dict": tensors(), "meta": holder}, file, _use_new_zipfile_serialization=zipped)
        with pytest.raises(mpm.InputError, match="nothing in it ran: it asks for (posix|nt|os).mkdir"):
            mpm.load_segmenter(file)
    assert not proof.exists()


@pytest.mark.parametrize("asked", ["builtins.eval", "builtins.getattr", "numpy.load", "pathlib.Path.mkdir"])
def test_other_names_of_the_same_modules_stay_refused(tmp_path, asked):
    module, _, name = asked.rpartition(".")
    code = b"\x80\x02c" + module.encode() + b"\n" + name.encode() + b"\n(X\x01\x00\x00\x001tR."
    file = tmp_path / "seg.pth"
    file.write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + code)
    with pytest.raises(mpm.InputError, match=r"seg\.pth"):
        mpm.load_segmenter(file)


def array_of(shape, name="i8", order="<", raw=b"\1" + bytes(23)) -> Inert:
    kind, made = Inert(name, False, True), Inert()
    kind.__setstate__((3, order, None))
    made.__setstate__((1, shape, kind, False, raw))
    return made


def test_arrays_are_read_only_where_they_are_what_they_claim():
    assert as_list(array_of((1, 3))) == [[1, 0, 0]]
    assert as_list(array_of((3,), order=">")) == [2**56, 0, 0]
    for strange in (
        array_of((10**12,)),
        array_of((-1, -3)),
        array_of(("a", 10**9)),
        array_of((0, 10**40), raw=b""),
        array_of(3),
        array_of((3,), "O8"),
        array_of((3,), "V9999999999"),
        array_of((3,), ["i8"]),
        array_of((3,), raw="text of twenty-four char"),
        Inert(),
        torch.zeros(3),
        "text",
        None,
    ):
        assert len(as_list(strange)) == 0


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "module._orig_mod.", "module.module."])
def test_wrappers_before_every_name_are_taken_off(tmp_path, wrapper):
    torch.save({"state_dict": prefixed(wrapper, tensors())}, tmp_path / "seg.pth")
    assert len(mpm.load_segmenter(tmp_path / "seg.pth").class_names) == 19
    folder = tmp_path / "seg"
    write_segmenter(folder, encoder_tensors(), linear_tensors(WIDTH, 150), **SETTINGS)
    plain = mpm.load_segmenter(folder).state_dict()
    data = torch.load(folder / "checkpoint.pth")
    torch.save(data | {"model": prefixed(wrapper, data["model"])}, folder / "checkpoint.pth")
    wrapped = mpm.load_segmenter(folder).state_dict()
    assert all(torch.equal(value, wrapped[name]) for name, value in plain.items())


def test_wrapped_dinov2_and_names_that_only_some_tensors_have(tmp_path):
    for file in (write_dinov2(tmp_path)).glob("*.pth"):
        data = torch.load(file)
        held = data.get("state_dict", data)
        torch.save(prefixed("module.", held), file)
    assert len(mpm.load_segmenter(tmp_path).class_names) == 150
    mixed = tensors()
    mixed["module.backbone.cls_token"] = mixed.pop("backbone.cls_token")
    torch.save(mixed, tmp_path / "seg.pth")
    with pytest.raises(mpm.InputError, match="lacks encoder.cls_token|unknown module.backbone.cls_token"):
        mpm.load_segmenter(tmp_path / "seg.pth")
    torch.save({"module." * 10**4 + name: value for name, value in tensors().items()}, tmp_path / "seg.pth")
    with pytest.raises(mpm.InputError, match="lacks"):
        mpm.load_segmenter(tmp_path / "seg.pth")
