"""Pascal Context's 59 classes, and the same with the background as class 0, in the order of the annotations.

The annotations number the classes alphabetically. Segmenter's own list of names has them in an older order,
which never was that of its labels. Colours: the customary ones are the first sixty of ADE20K.
"""

from mpm.data.labels.ade20k import ADE20K
from mpm.data.labels.label_set import IGNORED, LabelSet

# fmt: off
_NAMES = (
    "aeroplane", "bag", "bed", "bedclothes", "bench", "bicycle", "bird", "boat",
    "book", "bottle", "building", "bus", "cabinet", "car", "cat", "ceiling",
    "chair", "cloth", "computer", "cow", "cup", "curtain", "dog", "door",
    "fence", "floor", "flower", "food", "grass", "ground", "horse", "keyboard",
    "light", "motorbike", "mountain", "mouse", "person", "plate", "platform", "pottedplant",
    "road", "rock", "sheep", "shelves", "sidewalk", "sign", "sky", "snow",
    "sofa", "table", "track", "train", "tree", "truck", "tvmonitor", "wall",
    "water", "window", "wood",
)
# fmt: on

_COLOURS = ADE20K.palette[: 1 + len(_NAMES)]

PASCAL_CONTEXT_59 = LabelSet("pascal-context-59", _NAMES, _COLOURS[1:], IGNORED)
PASCAL_CONTEXT_60 = LabelSet("pascal-context-60", ("background", *_NAMES), _COLOURS, IGNORED)
