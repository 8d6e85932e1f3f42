"""`mpm compare` on the command line."""

from __future__ import annotations

import json

import pytest
from support.own_rule import STRIPES

from mpm.__main__ import main
from mpm.cli import compare as command
from mpm.measure.compare.picture import all_masks


@pytest.fixture
def checkpoint(tmp_path, segmenter):
    from mpm.zoo.checkpoints import save_segmenter

    return save_segmenter(segmenter, tmp_path / "checkpoint")


@pytest.fixture
def words(checkpoint):
    return ["compare", "--model", str(checkpoint), "--device", "cpu", "--recipes", "1", "--smaller", "48"]


def test_command(camvid, words, tmp_path, capsys):
    file, plot = tmp_path / "found.json", tmp_path / "found.png"
    more = ["--root", str(camvid), "--limit", "2", "--equal", "random", "--equal-at", "1"]
    assert main([*words, *more, "--json", str(file), "--plot", str(plot)]) == 0
    shown = capsys.readouterr().out
    written = json.loads(file.read_text())
    assert written["done"] == 2 and [row["recipe"] for row in written["recipes"]] == [
        "none",
        "1",
        "none|48px",
    ]
    assert len(written["equal"]) == 6 and written["machine"]["cores"] >= 1
    assert f"{100 * written['recipes'][1]['mean_iou']:.2f} %" in shown and "equal counts" in shown
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_stopped_and_gone_on_with(camvid, words, tmp_path, capsys, monkeypatch):
    file = tmp_path / "found.json"
    arguments = [*words, "--root", str(camvid), "--equal-at", "none", "--json", str(file)]
    seen = []

    def stopping(*given):
        seen.append(given)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return all_masks(*given)

    monkeypatch.setattr("mpm.measure.compare.run.all_masks", stopping)
    assert main(arguments) == command.STOPPED
    assert "stopped; the same command goes on" in capsys.readouterr().err
    assert main(arguments) == 0 and len(seen) == 4
    said = capsys.readouterr()
    assert "going on after picture 1 of 3" in said.err and "3 pictures" in said.out


def test_pictures_without_labels_and_a_rule_of_ones_own(camvid, words, tmp_path, capsys, no_rule_stays):
    rules = tmp_path / "stripes.py"
    rules.write_text(STRIPES)
    pictures = str(camvid / "val" / "images" / "0.png")
    more = ["--pictures", pictures, "--rules", str(rules), "--equal-at", "none", "--recipes", "stripes@1"]
    assert main([*words, *more]) == 0
    shown = capsys.readouterr().out
    assert "stripes@1" in shown and "the unmerged mask stands in" in shown


def test_command_on_synthetic_streets(words, capsys):
    assert main([*words, "--dataset", "streets", "--count", "1", "--equal-at", "none"]) == 0
    assert "streets, held-out, 1 picture" in capsys.readouterr().out


ONE_STREET = ["--dataset", "streets", "--count", "1"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "needs --root DIR"),
        ([*ONE_STREET, "--recipes", "nobody@1"], "There is no rule 'nobody'"),
        ([*ONE_STREET, "--recipes", "99"], "blocks 0 to 2"),
        ([*ONE_STREET, "--equal", "nobody"], "There is no rule 'nobody'"),
        ([*ONE_STREET, "--equal-at", "x"], "x"),
        ([*ONE_STREET, "--equal-at", "7"], "blocks 0 to 2"),
        ([*ONE_STREET, "--equal-at", "1", "--equal-options", "fast"], "no option 'fast'"),
        ([*ONE_STREET, "--rounds", "0"], "rounds must be at least 1"),
        ([*ONE_STREET, "--threads", "0"], "--threads must be at least 1"),
        ([*ONE_STREET, "--smaller", "64"], "fewer than the model's 64 px"),
        ([*ONE_STREET, "--json", "."], "the path of a file"),
        ([*ONE_STREET, "--plot", "none-such/x.png"], "no such folder"),
        ([*ONE_STREET, "--plot", "x.doc"], "ends in one of"),
        (["--pictures", "EMPTY"], "holds no picture"),
        (["--pictures", "no-such.png"], "no-such.png"),
        (["--pictures", "EMPTY", "--root", "."], "not both"),
        ([*ONE_STREET, "--json", "EMPTY/../file/x.json"], "Cannot write"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(words, tmp_path, capsys, arguments, sentence):
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "file").write_text("")
    given = [word.replace("EMPTY", str(empty)) for word in arguments]
    assert main([*words, *given]) == 2
    message = capsys.readouterr().err
    assert sentence in message and message.count("\n") == 1


def test_other_classes_and_other_settings(camvid, words, tmp_path, capsys):
    file = tmp_path / "found.json"
    quick = ["--root", str(camvid), "--limit", "1", "--equal-at", "none", "--json", str(file)]
    assert main([*words, *quick]) == 0
    assert main([*words, *quick, "--rounds", "2"]) == 2
    assert "other settings (rounds)" in capsys.readouterr().err
    assert main([*words, *quick, "--rounds", "2", "--overwrite"]) == 0
    (camvid / "classes.json").write_text('{"classes": ["one", "two"]}')
    assert main([*words, "--root", str(camvid), "--dataset", "folder"]) == 2
    assert "The data set has the classes one, two, but the model has" in capsys.readouterr().err
