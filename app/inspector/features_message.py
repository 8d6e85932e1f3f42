"""The message that shows features as colours instead of classes.

Kind "features", of the schema of `app.inspector.payload`: schedule (the recipe's own text), rows, cols,
baseline and merged (base64 of 3 bytes a patch, RGB, in raster order), explained (shares of the unmerged run's
variance that red, green and blue show).
"""

from __future__ import annotations

from app.inspector.payload import inspector_message
from app.inspector.wire import base64_of
from mpm.segmenters.feature_colours import FeatureColours


def encode_features(key: str, schedule: str, colours: FeatureColours) -> str:
    """Features of a recipe beside those of the unmerged run. key: the view's."""
    rows, cols = colours.baseline.shape[:2]
    body = {
        "schedule": schedule,
        "rows": rows,
        "cols": cols,
        "baseline": base64_of(colours.baseline),
        "merged": base64_of(colours.merged),
        "explained": [round(share, 4) for share in colours.explained],
    }
    return inspector_message("features", key, body)
