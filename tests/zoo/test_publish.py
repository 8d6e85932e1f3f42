"""Cards of models, and publishing: only what is known, one commit, and one sentence for what cannot be."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard

import mpm
from mpm.__main__ import main
from mpm.segmenters.confidence import ConfidenceReference
from mpm.zoo import checkpoints, registry

NAME = "me/tiny"


def test_the_card_of_the_model_in_the_box():
    text = mpm.model_card("streets-vit-tiny", "me/streets")
    data = ModelCard(text).data.to_dict()
    assert data == {
        "license": "cc-by-nc-4.0",
        "library_name": "mpm",
        "pipeline_tag": "image-segmentation",
        "tags": ["token-merging", "mutual-pair-merging", "vision-transformer"],
    }
    config = mpm.load_segmenter("streets-vit-tiny").config
    for fact in (
        "# streets\n",
        'mpm.load_segmenter("me/streets")',
        "11 classes (streets)",
        "12 blocks, patches of 16 x 16 pixels, 6.6 million",
        ", ".join(config.labels.class_names),
        f"{config.confidence.median:g}",
        *(text.replace("|", r"\|") for text in config.recipes.values()),
        f"| 0.99 | {config.changed[0][1]:g} % |",
        "Licence: CC BY-NC 4.0.",
    ):
        assert fact in text


def test_a_card_says_nothing_that_is_not_known(tiny, tmp_path):
    text = mpm.model_card(tiny)
    assert "license" not in ModelCard(text).data.to_dict() and "licence is not stated" in text
    for absent in ("Recipes", "adaptive", "How sure", "publisher", "None"):
        assert absent not in text
    folder = mpm.save_segmenter(tiny, tmp_path / "mine")
    assert str(tmp_path) not in (text := mpm.model_card(folder)) and '("USER/MODEL")' in text
    known = mpm.Segmenter(
        replace(tiny.config, remark="Only a test.", confidence=ConfidenceReference(0.8, 0.7))
    )
    assert "Only a test." in (text := mpm.model_card(known, licence="cc-by-4.0")) and "median 0.8" in text
    assert ModelCard(text).data.license == "cc-by-4.0" and "Licence: cc-by-4.0." in text
    with pytest.raises(mpm.InputError, match="spelled as at the hub, cc-by-4.0 say, but got 'My own'"):
        mpm.model_card(known, licence="My own")


def test_a_card_of_a_registered_model_says_where_it_comes_from(fake, folder_of_tiny):
    entry = registry.find("eomt-small-coco")
    files = {path.name: path.read_bytes() for path in folder_of_tiny.iterdir()}
    fake.add(entry.hub.repo, {**files, "preprocessor_config.json": b"{}"})
    text = mpm.model_card(entry.name)
    data = ModelCard(text).data.to_dict()
    assert data["license"] == "mit" and data["base_model"] == entry.hub.repo
    assert f"from {entry.source}. Its publisher reports 46.7 PQ (coco-panoptic). Licence: MIT." in text
    assert mpm.model_card(entry.hub.repo).split("## Weights")[1] == text.split("## Weights")[1]


def test_a_published_model_loads_by_its_id(fake, tiny, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    address = mpm.push_to_hub(tiny, NAME, private=True, licence="cc-by-4.0")
    assert address.startswith(f"{fake.origin}/{NAME}/commit/")
    repo = fake.repos[NAME]
    assert repo.private and set(repo.commits[-1]) == {"README.md", "config.json", "model.safetensors"}
    assert len(repo.commits) == 2, "one commit, after the empty one"
    assert b"license: cc-by-4.0" in repo.commits[-1]["README.md"]
    assert mpm.load_segmenter(NAME).config.to_json() == tiny.config.to_json()


def test_a_folder_goes_as_it_is_and_older_shards_go_away(fake, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SHARD_BYTES", 20_000)
    assert mpm.push_to_hub(tiny, NAME, token="hf_good")
    assert len([name for name in fake.repos[NAME].commits[-1] if name.startswith("model-")]) > 1
    monkeypatch.setattr(checkpoints, "SHARD_BYTES", 9_000_000)
    folder = mpm.save_segmenter(tiny, tmp_path / "mine")
    (folder / "README.md").write_text("My own words.")
    (folder / "diary.txt").write_text("private")
    before = sorted(path.name for path in folder.iterdir())
    mpm.push_to_hub(folder, NAME, token="hf_good")
    files = fake.repos[NAME].commits[-1]
    assert set(files) == {"README.md", "config.json", "model.safetensors"}
    assert files["README.md"] == b"My own words." and sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("no token", "me/tiny cannot be uploaded without a token: log in or set HF_TOKEN"),
        ("bad token", "does not let the token in use have me/tiny uploaded"),
        ("no right", "does not let the token in use have you/tiny uploaded"),
        ("gone", "me/tiny cannot be uploaded, http://127.* does not answer"),
        ("broken", "me/tiny cannot be uploaded: http://127.* answers with status 503"),
        ("offline", "HF_HUB_OFFLINE is set, so me/tiny cannot be uploaded"),
        ("no id", "A model at the hub is called USER/MODEL, but got 'tiny'"),
        ("damaged", "model.safetensors of the checkpoint cannot be read"),
    ],
)
def test_one_sentence_for_what_cannot_be_published(fake, tiny, tmp_path, monkeypatch, what, words):
    model, token = tiny, {"no token": None, "bad token": "hf_bad"}.get(what, "hf_good")
    if what == "gone":
        fake.shutdown()
        fake.server_close()
    if what == "offline":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    if what == "damaged":
        model = mpm.save_segmenter(tiny, tmp_path / "mine")
        (model / "model.safetensors").write_bytes(b"broken")
    fake.status = 503 if what == "broken" else None
    name = {"no right": "you/tiny", "no id": "tiny"}.get(what, NAME)
    with pytest.raises(mpm.InputError, match=words) as caught:
        mpm.push_to_hub(model, name, token=token)
    assert "\n" not in str(caught.value) and not fake.repos


def test_the_commands(fake, folder_of_tiny, tmp_path, capsys, monkeypatch):
    target = tmp_path / "README.md"
    assert main(["card", str(folder_of_tiny), "--repo", NAME, "--output", str(target)]) == 0
    assert target.read_text().startswith("---\n") and "# tiny\n" in target.read_text()
    assert main(["card", "streets-vit-tiny"]) == 0
    assert "cc-by-nc-4.0" in capsys.readouterr().out
    assert main(["card", str(folder_of_tiny), "--output", str(tmp_path)]) == 2
    assert "give the path of a file" in capsys.readouterr().err
    assert main(["push", str(folder_of_tiny), NAME]) == 2
    assert "without a token" in capsys.readouterr().err
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert main(["push", str(folder_of_tiny), NAME]) == 0
    assert f"{NAME}/commit/" in capsys.readouterr().out

    assert main(["models", "--download", NAME]) == 0
    assert "me/tiny is in " in capsys.readouterr().err
    assert main(["models", "--download", "me/other"]) == 2
    assert "has no model me/other" in capsys.readouterr().err
    assert main(["models", "--json"]) == 0
    known = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    small = known["eomt-small-coco"]
    assert small["panoptic_quality"] == 46.7 and small["mean_iou"] is None and not small["size_is_exact"]
    assert small["hub"]["repo"] == "tue-mps/coco_panoptic_eomt_small_640_2x" and not small["cached"]
    assert small["hub"]["commit"] is None and known["streets-vit-tiny"]["hub"] is None
    assert main(["models"]) == 0
    line = next(one for one in capsys.readouterr().out.splitlines() if one.startswith("eomt-small-coco"))
    assert "46.7 PQ" in line and "~96 MB" in line and "MIT" in line and line.endswith("no")
