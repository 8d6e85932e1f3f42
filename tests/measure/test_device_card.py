"""Device cards: what is written is read again, and what is broken is refused in one sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import mpm
from app.latency.cards import MAX_CARDS, encode_cards
from mpm.measure.bench import BenchResult, BenchRow, Ratio
from mpm.measure.device_card import MAX_BYTES, card_of, parse_card
from mpm.measure.paired import Summary


def row(schedule: str, median: float, kind: str = "run") -> BenchRow:
    return BenchRow(
        name=f"{schedule} {kind}",
        kind=kind,
        schedule=schedule,
        token_counts=(100.0, 60.5) if schedule != "none" else (100.0,),
        seconds=Summary(median, 0.9 * median, 1.1 * median, 20),
        images_per_s=1 / median,
        speedup=Ratio(0.2 / median, 0.15 / median, 0.25 / median),
        parts={"embed": 0.1 * median, "blocks": 0.8 * median},
    )


@pytest.fixture
def result() -> BenchResult:
    machine = {
        "system": "Linux aarch64", "processor": "Cortex-A76", "cores": 4, "device": "cpu: Cortex-A76",
        "torch": "2.9.0", "python": "3.13.1",
    }  # fmt: skip
    settings = {
        "model": "streets-vit-tiny", "weights": "trained", "classes": 11, "image_wh_px": [480, 360],
        "patches": 660, "resolution_px": None, "batch": 1, "dtype": "float32", "threads": 4, "runs": 20,
        "encoder_only": False,
    }  # fmt: skip
    rows = (row("none", 0.2), row("2,5", 0.125), row("2,5", 0.11, "ideal"))
    return BenchResult("2026-05-01T12:00:00+00:00", machine, settings, rows)


@pytest.fixture
def card(result) -> dict:
    return card_of(result).to_json()


def test_a_written_card_is_read_again(result, tmp_path):
    made = card_of(result)
    made.write(tmp_path / "pi.json")
    assert parse_card((tmp_path / "pi.json").read_bytes()) == made
    assert [one.schedule for one in made.results] == ["none", "2,5"], "extra rows of a benchmark stay out"
    assert made.results[1].median == 0.125 and made.results[1].tokens == (100.0, 60.5)


def test_a_card_holds_nothing_beyond_its_format(card):
    assert set(card["machine"]) == {"processor", "device", "cores", "torch"}
    assert card["created"] == "2026-05-01", "the day, not the minute"
    extra = {**card, "owner": "somebody", "machine": {**card["machine"], "host": "my-laptop"}}
    assert "somebody" not in str(parse_card(json.dumps(extra))) and "my-laptop" not in str(
        parse_card(json.dumps(extra))
    )


def test_the_path_must_be_writable(result, tmp_path):
    (tmp_path / "file").write_text("No folder")
    with pytest.raises(mpm.InputError, match="Cannot write"):
        card_of(result).write(tmp_path / "file" / "card.json")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        ("[" * 30_000, "not valid JSON"),
        ('{"mpm_card": 1, "x": ' + "9" * 5000 + "}", "not valid JSON"),
        ("[]", "not a device card"),
        ('{"schema": 1}', "not a device card"),
        ('{"mpm_card": 3}', "newer version"),
        ('{"mpm_card": true}', "format must be"),
        ('{"mpm_card": "1"}', "format must be"),
        ('{"mpm_card": 0}', "format must be"),
        ('{"mpm_card": NaN}', "not a number"),
        (" " * (MAX_BYTES + 1), "at most 64 kB"),
    ],
)
def test_what_is_no_card_is_refused(text, sentence):
    with pytest.raises(mpm.InputError, match=sentence):
        parse_card(text)


@pytest.mark.parametrize(
    ("where", "value", "sentence"),
    [
        (("results",), [], "1 to 32 results"),
        (("results",), [1], "must be an object"),
        (("results", 0, "schedule"), "5", "baseline"),
        (("results", 1, "schedule"), "none", "baseline"),
        (("results", 1, "schedule"), "x", "not understood"),
        (("results", 1, "median"), 0, "above 0"),
        (("results", 1, "median"), -1, "from 0 up"),
        (("results", 1, "median"), 1e300, "from 0 up"),
        (("results", 1, "median"), "0.1", "from 0 up"),
        (("results", 1, "speedup"), [1, 2], "3 numbers"),
        (("results", 1, "parts"), {"<script>": 1}, "unknown part"),
        (("results", 1, "runs"), True, "whole number"),
        (("results", 1, "runtime"), "two\nlines", "one line"),
        (("results", 1, "runtime"), 7, "must be text"),
        (("results", 1, "speedup_own"), [1], "3 numbers"),
        (("machine", "device"), "x" * 500, "at most 120"),
        (("machine", "device"), "two\nlines", "one line"),
        (("machine", "cores"), None, "whole number"),
        (("settings", "image_wh_px"), [480], "2 numbers"),
        (("settings",), None, "an object"),
    ],
)
def test_a_wrong_field_is_named(card, where, value, sentence):
    place = data = json.loads(json.dumps(card))
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value
    with pytest.raises(mpm.InputError, match=sentence):
        parse_card(json.dumps(data))


def test_the_page_shows_good_cards_and_names_the_others(card):
    files = [
        {"name": "pi.json", "text": json.dumps(card)},
        {"name": "bad\x1b.json", "text": "{"},
        7,
        {"name": 3},
    ]
    message = json.loads(encode_cards(files))
    (shown,) = message["cards"]
    assert shown["file"] == "pi.json" and shown["title"] == "Cortex-A76" and "660 patches" in shown["note"]
    assert [one["median"] for one in shown["results"]] == [200.0, 125.0]
    assert len(message["refused"]) == 3 and message["refused"][0].startswith("bad.json: ")
    assert len(json.loads(encode_cards([{"name": "x", "text": "{"}] * 99))["refused"]) == MAX_CARDS


def test_the_papers_ratios_carry_no_milliseconds():
    paper = json.loads(encode_cards([]))["paper"]
    assert {tuple(one) for one in paper} == {("name", "ratio")}
    assert next(one["ratio"] for one in paper if "Pi 5" in one["name"]) == pytest.approx(1.613, abs=1e-3)


def in_openvino(schedule: str, median: float) -> BenchRow:
    plain = row(schedule, median, "runtime")
    return replace(plain, runtime="openvino bfloat16", speedup_own=Ratio(1.3, 1.2, 1.4))


def test_rows_of_another_runtime_are_kept_apart(result, card):
    rows = (*result.rows, in_openvino("none", 0.08), in_openvino("2,5", 0.06))
    made = card_of(replace(result, rows=rows))
    assert [(one.schedule, one.runtime) for one in made.results] == [
        ("none", "torch"), ("2,5", "torch"), ("none", "openvino bfloat16"), ("2,5", "openvino bfloat16"),
    ]  # fmt: skip
    assert made.results[3].speedup_own == (1.3, 1.2, 1.4) and made.results[1].speedup_own is None
    written = made.to_json()
    assert parse_card(json.dumps(written)) == made
    assert (written["mpm_card"], card["mpm_card"]) == (2, 1), "who reads torch alone is told to update"
    assert not {"runtime", "speedup_own"} & set(card["results"][1])
    twice = {**written, "results": [*written["results"], written["results"][3]]}
    with pytest.raises(mpm.InputError, match="each schedule once"):
        parse_card(json.dumps(twice))


def test_the_page_names_the_runtime_of_a_row(result):
    rows = (*result.rows, in_openvino("none", 0.08), replace(in_openvino("5", 0.06), runtime="new one"))
    text = json.dumps(card_of(replace(result, rows=rows)).to_json())
    (shown,) = json.loads(encode_cards([{"name": "a", "text": text}]))["cards"]
    assert [one["runtime"] for one in shown["results"]] == ["", "", "OpenVINO bfloat16", "new one"]
