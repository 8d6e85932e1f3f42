"""The message that shows features as colours."""

from __future__ import annotations

import base64
import json

import numpy as np

from app.inspector.features_message import encode_features
from mpm.segmenters.feature_colours import FeatureColours


def test_every_patch_has_three_bytes_in_raster_order():
    baseline = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    told = json.loads(
        encode_features("key", "2,5", FeatureColours(baseline, 255 - baseline, (0.51234567, 0.2, 0)))
    )
    assert (told["schema"], told["kind"], told["view"]) == ("mpm-inspector/4", "features", "key")
    assert (told["schedule"], told["rows"], told["cols"]) == ("2,5", 2, 3)
    assert base64.b64decode(told["baseline"]) == bytes(range(18))
    assert base64.b64decode(told["merged"]) == bytes(range(255, 237, -1))
    assert told["explained"] == [0.5123, 0.2, 0]
