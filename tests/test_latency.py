from __future__ import annotations

import numpy as np
import pytest

from app.latency import latency_html, message_html, verdict


def samples(ratio: float, runs: int = 9, spread: float = 0.01) -> dict:
    rng = np.random.default_rng(0)
    return {
        "none": (0.2 * (1 + spread * rng.standard_normal(runs))).tolist(),
        "2,5": (0.2 / ratio * (1 + spread * rng.standard_normal(runs))).tolist(),
    }


def test_the_verdict_says_how_much_and_how_sure():
    assert "1.3" in verdict(samples(1.3)) and "times as fast" in verdict(samples(1.3))
    assert "Slower" in verdict(samples(0.7))
    level = {"none": [0.19, 0.2, 0.21, 0.22, 0.18], "2,5": [0.21, 0.19, 0.18, 0.2, 0.22]}
    assert "No clear difference" in verdict(level)
    assert "so far, after 2 of each" in verdict(samples(1.3, runs=2))
    assert "baseline itself" in verdict({"none": [0.1]})


def test_the_card_shows_medians_in_milliseconds():
    html = latency_html({"none": [0.2, 0.4, 0.3], "2,5": [0.1, 0.1, 0.1]}, True, "a <device>")
    assert "300 ms" in html and "100 ms" in html
    assert "a &lt;device&gt;" in html and "measuring" not in html
    assert "measuring" in latency_html({"none": [0.2]}, False, "x")
    with pytest.raises(ValueError):
        latency_html({"none": []}, True, "x")


def test_messages_are_escaped():
    assert "<b>" not in message_html("<b>")
