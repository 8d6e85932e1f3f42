"""What number formats cost: mIoU, and agreement with the first, over one pass of a data set.

python tests/checks/measure_formats.py --root CAMVID --limit 50
python tests/checks/measure_formats.py --streets 40
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import mpm  # noqa: E402
from mpm.data.datasets import FirstOf, held_out_streets, open_dataset  # noqa: E402
from mpm.measure.scores import Tally  # noqa: E402
from mpm.measure.text_table import text_table  # noqa: E402

FORMATS = ("torch:float32", "torch:bfloat16", "onnxruntime:float32", "onnxruntime:int8", "openvino:float32")
FORMATS += ("openvino:bfloat16", "openvino:int8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="streets-vit-tiny")
    parser.add_argument("--recipes", nargs="+", default=["none", "2,5", "fast"])
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), metavar="RUNTIME:FORMAT")
    parser.add_argument("--root", type=Path, help="folder of CamVid; its split val is used")
    parser.add_argument("--streets", type=int, default=40, help="held-out streets, without --root")
    parser.add_argument("--limit", type=int, default=101)
    args = parser.parse_args()
    dataset = (
        held_out_streets(args.streets) if args.root is None else open_dataset("camvid", args.root, "val")
    )
    plain = mpm.load_segmenter(args.model)
    models = {name: plain.with_runtime(*name.split(":")) for name in args.formats}
    measure(models, FirstOf(dataset, min(args.limit, len(dataset))), args.recipes)


def measure(models: dict[str, mpm.Segmenter], dataset, recipes: list[str]) -> None:
    """Prints a row for every format and recipe; the first format is what the others are compared with."""
    keys = [(name, recipe) for recipe in recipes for name in models]
    first = next(iter(models))
    tallies = {key: Tally(dataset.label_set, len(dataset)) for key in keys}
    same: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in keys}
    for index in range(len(dataset)):
        picture, truth = dataset[index]
        runs = {(name, recipe): models[name].segment(picture, recipe) for name, recipe in keys}
        for (name, recipe), run in runs.items():
            tallies[name, recipe].add(index, run.labels, truth, run.trace.token_counts)
            others = runs[first, recipe].labels, runs[first, recipes[0]].labels
            same[name, recipe].append(tuple(float(np.mean(run.labels == other)) for other in others))
    rows = [("", "recipe", "mIoU %", f"as {first} %", f"as its {recipes[0]} %")]
    for name, recipe in keys:
        shares = (f"{100 * share:.3f}" for share in np.mean(same[name, recipe], axis=0))
        rows.append((name, recipe, f"{100 * tallies[name, recipe].matrix.mean_iou:.2f}", *shares))
    print(f"{dataset.name}, {len(dataset)} pictures")
    print(text_table(rows))


if __name__ == "__main__":
    main()
