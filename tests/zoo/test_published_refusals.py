"""Published files that do not fit, are damaged or hostile: refused with one sentence, and nothing runs."""

from __future__ import annotations

import os
import pickle
import threading
import time
import zipfile

import numpy as np
import pytest
import torch
from support.published_files import (
    VIT,
    as_mmseg,
    dinov2_head,
    dinov2_tensors,
    linear_tensors,
    mask_tensors,
    vit_tensors,
    write_segmenter,
)
from support.published_models import PATCH_PX, WIDTH, encoder_tensors, write_dinov2

import mpm
from mpm.zoo.formats import pickled


def edit_variant(before, after):
    def edit(folder):
        text = (folder / "variant.yml").read_text()
        assert before in text
        (folder / "variant.yml").write_text(text.replace(before, after))

    return edit


def edit_tensors(change):
    def edit(folder):
        data = torch.load(folder / "checkpoint.pth", weights_only=True)
        change(data["model"])
        torch.save(data, folder / "checkpoint.pth")

    return edit


def put(name, value):
    return edit_tensors(lambda tensors: tensors.update({name: value}))


def drop(name):
    return edit_tensors(lambda tensors: tensors.pop(name))


def replace_file(content, name="checkpoint.pth"):
    return lambda folder: (folder / name).write_bytes(content)


def truncate(folder):
    path = folder / "checkpoint.pth"
    path.write_bytes(path.read_bytes()[:-200])


def compress(folder):
    path = folder / "checkpoint.pth"
    with zipfile.ZipFile(path) as old:
        records = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in records.items():
            new.writestr(name, content)


def inflate(folder):
    with (folder / "checkpoint.pth").open("ab") as file:
        file.truncate(pickled.MAX_FILE_BYTES + 1)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (truncate, "truncated"),
        (replace_file(b""), "truncated"),
        (replace_file(b"\x80\x02}q\x00."), "truncated, damaged"),
        (replace_file(b"PK\x03\x04" + bytes(100)), "truncated"),
        (inflate, "more than the"),
        (compress, "compressed"),
        (lambda folder: (folder / "checkpoint.pth").unlink(), "No such file"),
        (drop("encoder.cls_token"), "lacks encoder.cls_token"),
        (drop("encoder.pos_embed"), "lacks encoder.pos_embed"),
        (put("encoder.other", torch.zeros(1)), "unknown encoder.other"),
        (put("decoder.mask_norm.bias", torch.zeros(3)), "another shape for dec"),
        (put("encoder.cls_token", "text"), "something else than a plain tensor"),
        (put("encoder.big", torch.zeros(1).expand(10**12)), "claims tensors of 4"),
        (put("encoder.x", torch.zeros(1, device="meta")), "plain tensor"),
        pytest.param(
            put("encoder.x", torch.eye(2).to_sparse()),
            "plain tensor",
            marks=pytest.mark.filterwarnings("ignore:Validating sparse"),
        ),
        (edit_variant("n_layers: 2\n  norm", "n_layers: 99999999\n  norm"), "says n_layers 99999999"),
        (edit_variant("image_size: !!python/tuple\n  - 512\n  - 512", "image_size: 256"), "1024 positions"),
        (edit_variant("n_heads: 1", "n_heads: 0"), "among 0 attention heads"),
        (edit_variant("normalization: vit\n  patch", "normalization: other\n  patch"), "misstates 'other'"),
        (edit_variant("inference_kwargs", "inference"), "misstates 'inference_kwargs'"),
        (edit_variant("  window_stride: 480", "  window_stride: 0"), "stride_px"),
        (replace_file(b"- a\n", "variant.yml"), "table of settings"),
        (replace_file(b"{a: [", "variant.yml"), "variant.yml of the checkpoint cannot be read"),
        (replace_file(b"{a: " * 3_000, "variant.yml"), "variant.yml of the checkpoint cannot be read"),
        (replace_file(b"#" * (1 << 17), "variant.yml"), "larger than"),
    ],
)
def test_broken_files_are_refused_with_one_sentence(tmp_path, damage, words):
    encoder = vit_tensors(64, 2, PATCH_PX, 1024)
    variant = VIT | {"width": 64, "heads": 1, "classes": 19}
    folder = write_segmenter(tmp_path / "seg", encoder, mask_tensors(64, 1, 19), **variant)
    damage(folder)
    with pytest.raises(mpm.InputError, match=words) as caught:
        mpm.load_segmenter(folder)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


class Hostile:
    """Pickled, it makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["model", "optimizer"])
def test_a_pickle_that_would_run_code_is_refused_and_nothing_runs(tmp_path, place, zipped):
    proof = tmp_path / "ran"
    file = tmp_path / "seg.pth"
    torch.save({"model": {}, place: Hostile(proof)}, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(mpm.InputError, match="nothing in it ran: it asks for (posix|nt|os).mkdir"):
        mpm.load_segmenter(file)
    file.write_bytes(pickle.dumps(Hostile(proof)))
    with pytest.raises(mpm.InputError, match=r"seg\.pth"):
        mpm.load_segmenter(file)
    assert not proof.exists()


def test_a_variant_that_would_run_code_is_refused_and_nothing_runs(tmp_path):
    proof = tmp_path / "ran"
    (tmp_path / "variant.yml").write_text(f"a: !!python/object/apply:os.mkdir ['{proof}']")
    torch.save({}, tmp_path / "checkpoint.pth")
    with pytest.raises(mpm.InputError, match="variant.yml of the checkpoint cannot be read"):
        mpm.load_segmenter(tmp_path)
    assert not proof.exists()


def test_dinov2_and_mmseg_files_that_do_not_fit(tmp_path):
    head = dinov2_head(2 * WIDTH, 150)
    with pytest.raises(mpm.InputError, match="another shape for decoder"):
        mpm.load_segmenter(write_dinov2(tmp_path, head=head))
    with pytest.raises(mpm.InputError, match="decode_head only, but got stranger"):
        mpm.load_segmenter(write_dinov2(tmp_path, head={"stranger": torch.zeros(1)}))
    odd = dinov2_tensors(WIDTH, 1, 37) | {"pos_embed": torch.zeros(1, 8, WIDTH)}
    with pytest.raises(mpm.InputError, match="no square grid"):
        mpm.load_segmenter(write_dinov2(tmp_path, odd))
    tensors = as_mmseg(encoder_tensors(), linear_tensors(WIDTH, 10_001))
    torch.save(tensors, tmp_path / "seg.pth")
    with pytest.raises(mpm.InputError, match="10001 classes, more than the 10000"):
        mpm.load_segmenter(tmp_path / "seg.pth")
    torch.save(tensors | {"encoder.norm.weight": torch.zeros(WIDTH)}, tmp_path / "seg.pth")
    with pytest.raises(mpm.InputError, match="two tensors for encoder.norm.weight"):
        mpm.load_segmenter(tmp_path / "seg.pth")
    with pytest.raises(mpm.InputError, match="known format"):
        mpm.load_segmenter(tmp_path)


def test_loads_at_once_keep_the_allowed_globals_of_each_other(tmp_path, monkeypatch):
    path = tmp_path / "weights.pth"
    torch.save({"meta": {"best": np.float64(1)}, "state_dict": {"a": torch.zeros(2)}}, path)
    plain, refused = torch.load, []

    def slow(*args, **rest):
        time.sleep(0.05)  # whoever came first leaves meanwhile
        return plain(*args, **rest)

    def load(wait_s: float) -> None:
        time.sleep(wait_s)
        try:
            pickled.load_tensors(path)
        except mpm.InputError as error:
            refused.append(str(error))

    monkeypatch.setattr(torch, "load", slow)
    threads = [threading.Thread(target=load, args=(0.02 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
