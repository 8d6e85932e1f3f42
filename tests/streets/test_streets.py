"""The synthetic streets: deterministic, exactly labelled, and moved by their dials as said."""

from functools import cache

import numpy as np
import pytest

from mpm.streets import Dials, Street, render_street

SKY, ROAD, TREE = 0, 3, 5
OBJECTS = (6, 8, 9, 10)  # sign, car, pedestrian, bicyclist: what clutter adds
DAY = Dials(time_of_day=12.5, weather=0.05, clutter=0.7, texture=0.8)


@cache
def street(seed: int, size: tuple[int, int] = (240, 180), dials: Dials = DAY) -> Street:
    return render_street(seed, *size, dials)


def with_dials(**changes: float) -> Dials:
    return Dials(**{**vars(DAY), **changes})


def mean_of_class(shown: Street, label: int) -> float:
    return float(shown.image[shown.labels == label].mean())


@pytest.mark.parametrize("size", [(480, 360), (64, 64), (65, 91), (512, 256)])
def test_picture_and_labels_have_the_size_asked_for(size):
    shown = street(3, size)
    assert shown.image.shape == (size[1], size[0], 3) and shown.image.dtype == np.uint8
    assert shown.labels.shape == (size[1], size[0]) and shown.labels.dtype == np.uint8
    assert shown.labels.max() <= 11
    assert (shown.labels == 11).mean() < 0.01
    assert shown.seed == 3 and shown.dials == DAY


def test_the_same_seed_gives_the_same_bytes():
    first, again = (render_street(21, 160, 120) for _ in range(2))
    assert first.dials == again.dials
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.labels, again.labels)


def test_another_street_in_between_changes_nothing():
    first = render_street(5, 96, 96)
    render_street(6, 200, 100)
    assert np.array_equal(first.image, render_street(5, 96, 96).image)


def test_seeds_differ():
    pictures = {street(seed).labels.tobytes() for seed in range(6)}
    assert len(pictures) == 6


@pytest.mark.parametrize(
    "changes",
    [
        {"time_of_day": 23.0},
        {"time_of_day": 6.2},
        {"weather": 1.0},
        {"texture": 0.0},
        {"time_of_day": 19.0, "weather": 0.6, "texture": 1.0},
    ],
)
def test_appearance_dials_keep_every_label(changes):
    for seed in (1, 2, 8):
        plain, changed = street(seed), street(seed, dials=with_dials(**changes))
        assert np.array_equal(plain.labels, changed.labels)
        assert not np.array_equal(plain.image, changed.image)


def test_all_eleven_classes_turn_up_in_sizes_that_can_be_learnt():
    counts = np.stack(
        [np.bincount(render_street(seed, 160, 120).labels.ravel(), minlength=12) for seed in range(100, 114)]
    )
    share = counts.sum(0) / counts.sum()
    assert (share[:11] > 0.004).all(), share
    assert share[11] < 0.002
    assert 0.15 < share[ROAD] < 0.45
    assert ((counts[:, :11] > 27).mean(0) > 0.4).all()


def test_clutter_adds_objects():
    dials = [with_dials(clutter=value) for value in (0.0, 0.5, 1.0)]
    pixels = [
        np.mean([np.isin(street(seed, (96, 72), d).labels, OBJECTS).mean() for seed in range(5)])
        for d in dials
    ]
    assert pixels[0] < pixels[1] < pixels[2]
    assert pixels[2] > 2 * pixels[0]


def test_sky_and_road_are_brighter_by_day():
    night = with_dials(time_of_day=0.0)
    for label, times in ((SKY, 2.0), (ROAD, 1.4)):
        day_mean, night_mean = (
            np.mean([mean_of_class(street(seed, dials=d), label) for seed in (1, 2, 8)]) for d in (DAY, night)
        )
        assert day_mean > times * night_mean


def test_painted_colours_agree_with_labels():
    shown = [street(seed) for seed in range(6)]
    sky, tree = (np.concatenate([s.image[s.labels == label] for s in shown]).mean(0) for label in (SKY, TREE))
    assert sky[2] > sky[0], "a clear sky is blue"
    assert tree[1] > tree[2], "leaves are green or brown, not blue"
    assert sky.mean() > 1.3 * tree.mean()


def test_edges_of_the_labels_are_edges_of_the_picture():
    inside, across = [], []
    for seed in range(6):
        s = street(seed)
        step = np.abs(np.diff(s.image.astype(int), axis=1)).sum(2)
        edge = s.labels[:, 1:] != s.labels[:, :-1]
        inside.append(step[~edge].mean())
        across.append(step[edge].mean())
    assert np.mean(across) > 3 * np.mean(inside)


def test_texture_dial_flattens_surfaces():
    def roughness(texture: float) -> float:
        s = street(8, dials=with_dials(texture=texture))
        step = np.abs(np.diff(s.image.astype(int), axis=1)).sum(2)
        return float(step[s.labels[:, 1:] == TREE].mean())

    assert roughness(0.0) < roughness(1.0)


def test_fog_hides_contrast():
    clear, thick = (
        np.mean([street(seed, dials=with_dials(weather=w)).image.std() for seed in (1, 2, 8)])
        for w in (0.0, 1.0)
    )
    assert thick < 0.8 * clear


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time_of_day", 24.5),
        ("time_of_day", -1),
        ("weather", 1.2),
        ("clutter", float("nan")),
        ("texture", "rich"),
        ("weather", None),
    ],
)
def test_a_dial_out_of_range_is_named(name, value):
    with pytest.raises(ValueError, match=f"dial {name} must be a number from 0 to") as raised:
        Dials(**{name: value})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: render_street(1, 63, 64), "width of a street"),
        (lambda: render_street(1, 64, 20), "height of a street"),
        (lambda: render_street(1, 480.5, 360), "width of a street"),
        (lambda: render_street(1, 100_000, 360), "width of a street"),
        (lambda: render_street(-1), "seed of a street"),
        (lambda: render_street("a"), "seed of a street"),
        (lambda: render_street(1, dials={"weather": 1}), "must be a Dials value"),
    ],
)
def test_bad_arguments_get_one_sentence(call, words):
    with pytest.raises(ValueError, match=words) as raised:
        call()
    assert str(raised.value).endswith(".") and "\n" not in str(raised.value)


def test_random_dials_are_mostly_day_with_some_night():
    rng = np.random.default_rng(0)
    hours = np.array([Dials.random(rng).time_of_day for _ in range(600)])
    night = ((hours > 20) | (hours < 5)).mean()
    assert 0.05 < night < 0.3
    assert ((hours > 7.5) & (hours < 17.5)).mean() > 0.55
