"""CamVid's eleven classes, as published with SegNet; the synthetic streets have the same."""

from mpm.data.labels.label_set import LabelSet

UNLABELLED = 11
"""The label of pixels that count for nothing."""

# Colours follow Cityscapes' well-known ones, made to stay apart on a photograph.
STREETS = LabelSet.of(
    "streets",
    UNLABELLED,
    {
        "sky": (70, 130, 180),
        "building": (110, 110, 110),
        "pole": (222, 196, 160),
        "road": (128, 64, 128),
        "pavement": (244, 35, 232),
        "tree": (107, 142, 35),
        "sign": (250, 210, 0),
        "fence": (102, 102, 196),
        "car": (20, 40, 190),
        "pedestrian": (220, 20, 60),
        "bicyclist": (255, 120, 0),
    },
)
"""The classes of the bundled model and of the synthetic streets: a `LabelSet`.

>>> import mpm
>>> mpm.STREETS.class_names[:3]
('sky', 'building', 'pole')
>>> mpm.STREETS.palette.shape
(11, 3)
"""
