"""Are runs bit for bit what they were? Record before a change, compare after it.

    python tests/checks/record_runs.py record FILE.npz
    python tests/checks/record_runs.py compare FILE.npz

Digests of every map, logit and label of the examples at all presets, of the control and of decoding
merged tokens, of a batch, and of a timm ViT. Exit status 1 where one differs. The same machine and threads
are meant: another may round otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import timm
import torch

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

import mpm  # noqa: E402
from mpm.images import decode_image  # noqa: E402

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
MORE = ("random@2,5", "random@0,2,4,6,8", "2,5|decode-merged", "0,2,4,6,8|decode-merged")
ARRAYS = ("index", "nearest", "partner", "similarity", "position")


def digest(array: np.ndarray) -> str:
    head = f"{array.shape} {array.dtype}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def facts() -> Iterator[tuple[str, str]]:
    """Names and digests of everything that must stay."""
    segmenter = mpm.load_segmenter("streets-vit-tiny")
    pictures = {path.stem: decode_image(path).rgb for path in sorted(EXAMPLES.glob("*.jpg"))}
    for name, rgb in pictures.items():
        for recipe in (*map(str, mpm.PRESETS), *MORE):
            run = segmenter.segment(rgb, recipe)
            yield f"{name}/{recipe}/labels", digest(run.labels)
            yield f"{name}/{recipe}/logits", digest(run.logits)
            for number, stage in enumerate(run.trace.stages):
                for part in ARRAYS:
                    yield f"{name}/{recipe}/{number}/{part}", digest(getattr(stage, part))
    batch = torch.cat([segmenter.preprocess(rgb)[0] for rgb in list(pictures.values())[:3]])
    torch.manual_seed(0)
    vit = timm.create_model("vit_tiny_patch16_224", num_classes=10).eval()
    pixels = torch.randn(2, 3, 224, 224)
    for recipe in ("none", "2,5"):
        yield f"batch/{recipe}", digest(segmenter.logits(batch, recipe).numpy())
        with torch.inference_mode():
            yield f"apply/{recipe}", digest(mpm.apply(vit, recipe).forward_features(pixels).numpy())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("record", "compare"))
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    found = dict(facts())
    if options.what == "record":
        np.savez(options.file, names=np.array(list(found)), digests=np.array(list(found.values())))
        print(f"{len(found)} arrays recorded")
        return 0
    with np.load(options.file) as stored:
        before = dict(zip(stored["names"].tolist(), stored["digests"].tolist(), strict=True))
    differ = [name for name, value in before.items() if found.get(name) != value]
    print(f"{len(before)} arrays compared, {len(differ)} differ", *differ[:10], sep="\n")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
