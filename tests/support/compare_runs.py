"""Two outputs of `mpm segment`, say of two processors: `compare_runs.py FOLDER FOLDER LEAST_EQUAL`.

Prints which share of the mask is the same, and where both have a merge map, of the first choices. Exit
status 1 where less of the mask is equal than wished.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image


def main() -> int:
    """Compare and print."""
    first, second, least = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    equal = share(*(np.asarray(Image.open(only(folder, "*.mask.png"))) for folder in (first, second)))
    print(f"mask: {equal:.3%} of the pixels equal")
    if any(second.glob("*.merge.npz")):
        choices = [np.load(only(folder, "*.merge.npz"))["nearest_0"] for folder in (first, second)]
        print(f"first insertion: {share(*choices):.3%} of the choices equal")
    return int(equal < least)


def only(folder: Path, pattern: str) -> Path:
    """The one file of that kind."""
    (path,) = folder.glob(pattern)
    return path


def share(one: np.ndarray, other: np.ndarray) -> float:
    """Share of equal values; 0 where not even the shapes are equal."""
    return float((one == other).mean()) if one.shape == other.shape else 0.0


if __name__ == "__main__":
    sys.exit(main())
