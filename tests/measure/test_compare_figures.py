"""How a comparison is shown: the frontier, labels of a figure, tables, the plot."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mpm.data.datasets import CamVid
from mpm.measure.compare import compare
from mpm.measure.compare.frontier import frontier
from mpm.measure.compare.labels import _covered, place_labels
from mpm.measure.compare.plot import _listed_rules, draw, save_plot
from mpm.measure.compare.table import note_of, render
from mpm.measure.paired import FEWEST_PAIRS, paired_ratio


@pytest.fixture(scope="module")
def comparison(segmenter, tmp_path_factory):
    rng = np.random.default_rng(0)
    root = tmp_path_factory.mktemp("camvid")
    for folder in ("images", "labels"):
        (root / "val" / folder).mkdir(parents=True)
    Image.fromarray(rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)).save(root / "val/images/0.png")
    Image.fromarray(rng.integers(0, 11, (64, 96), dtype=np.uint8)).save(root / "val/labels/0.png")
    recipes = ["1", "2", "0,1", "0,2", "0,1,2", "1|residual", "2|residual", "0,1|sizes", "random@1"]
    how = {"smaller": [56, 48], "equal": ["random", "bipartite"], "equal_at": ["0,1"]}
    return compare(segmenter, CamVid(root, "val"), recipes, **how)


def test_frontier_against_brute_force():
    rng = np.random.default_rng(0)
    for size in (0, 1, 2, 7, 40):
        points = [tuple(map(float, point)) for point in rng.integers(0, 12, (size, 2))]
        beaten = [any(x <= a and y <= b and (x, y) != (a, b) for x, y in points) for a, b in points]
        assert frontier(points) == [not one for one in beaten]


def test_paired_ratio():
    slow, fast = [2.0, 40.0, 6.0, 8.0, 2.0, 3.0, 9.0], [1.0, 20.0, 2.0, 4.0, 1.0, 1.0, 3.0]
    value, low, high = paired_ratio(slow, fast)
    assert value == 2 and low == 2 and 2 < high <= 3, "ratios of the same picture, however unlike they are"
    assert paired_ratio(slow, slow) == (1, 1, 1)
    few = FEWEST_PAIRS - 1
    assert paired_ratio(slow[:few], fast[:few]) == (2, None, None)
    with pytest.raises(ValueError, match="equal numbers"):
        paired_ratio(slow, fast[:2])


def test_labels_lie_inside_and_off_each_other():
    rng = np.random.default_rng(0)
    points = rng.uniform(30, 370, (12, 2))
    points[6:] = points[5] + rng.normal(0, 4, (6, 2))
    centres = place_labels(points, [(10, 8)] * 12, (0, 0, 400, 400), 4)
    boxes = [(x - 5, y - 4, x + 5, y + 4) for x, y in centres]
    assert all(box[0] >= 0 and box[1] >= 0 and box[2] <= 400 and box[3] <= 400 for box in boxes)
    assert all(_covered(box, boxes[place + 1 :]) == 0 for place, box in enumerate(boxes))


def test_table(comparison):
    text = render(comparison)
    assert "small on camvid, val, 1 pictures" not in text and "small on camvid, val, 1 picture," in text
    for words in ("tokens kept", "mIoU", "loss", "agree", "speed-up", "95 %", "0,1|sizes", "none|48px"):
        assert words in text
    none = next(line for line in text.splitlines() if line.startswith("none "))
    assert "100.0 %" in none and "1.00x" in none and "0.00 %" in none
    assert sum(line.endswith("*") for line in text.splitlines()) == sum(
        row.on_frontier for row in comparison.rows
    )
    equal = text[text.index("equal counts") : text.index("As published")]
    assert "bipartite" in equal and " ms" not in equal


def test_note_of_a_rule_that_missed_its_count(comparison):
    row = comparison.equal_rows[0]
    assert note_of(row) == ""
    changed = type(row)(**{**vars(row), "missing_pictures": 1, "missing_tokens": 3})
    assert note_of(changed) == "removed 3 tokens too few on 1 picture"
    assert _listed_rules([changed])[1].endswith("did not keep to the counts")


def test_plot_is_a_png_with_everybody_on_it(comparison, tmp_path):
    path = tmp_path / "found.png"
    save_plot(comparison, path)
    assert path.read_bytes().startswith(b"\x89PNG") and Image.open(path).size[0] == 1800
    figure = draw(comparison)
    assert isinstance(figure, Figure) and len(figure.axes) == 2
    times, tokens = figure.axes
    assert "ms" in times.get_xlabel() and "%" in times.get_ylabel() and "%" in tokens.get_xlabel()
    assert [one.get_text() for one in times.texts] == [str(number) for number in range(12)]
    assert len(tokens.texts) == 12 + len(comparison.equal_rows)
    listed = "".join(one.get_text() for one in figure.texts)
    assert all(row.recipe in listed for row in comparison.rows) and "bipartite" in listed
