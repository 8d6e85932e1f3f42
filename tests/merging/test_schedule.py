from __future__ import annotations

import pytest

import mpm
from mpm import Schedule


@pytest.mark.parametrize(
    ("value", "blocks"),
    [
        ("2,5", (2, 5)),
        (" 5 , 2 ", (2, 5)),
        ("{2, 5}", (2, 5)),
        ("2,2,5", (2, 5)),
        ("none", ()),
        ("None", ()),
        ("", ()),
        (None, ()),
        ([], ()),
        ((5, 2), (2, 5)),
        ({0}, (0,)),
        (3, (3,)),
        (Schedule((1,)), (1,)),
    ],
)
def test_parse(value, blocks):
    assert Schedule.parse(value).blocks == blocks


@pytest.mark.parametrize("value", ["2,x", "-1", "2;5", "2.5", (1.5,), (True,), "2,,5", object()])
def test_bad_schedules_say_what_is_allowed(value):
    with pytest.raises(mpm.InputError, match="block ind"):
        Schedule.parse(value)


def test_a_block_outside_the_encoder_names_the_range():
    with pytest.raises(mpm.InputError, match="0 to 11"):
        Schedule.parse("2,99").check(12)


def test_text_round_trip_and_presets():
    for preset in mpm.PRESETS:
        assert Schedule.parse(str(preset)) == preset
    assert [str(preset) for preset in mpm.PRESETS] == [
        "none", "8", "5", "2", "2,5", "2,5,8", "2,4,6,8", "0,2,4,6,8",
    ]  # fmt: skip
    assert mpm.PAPER in mpm.PRESETS
