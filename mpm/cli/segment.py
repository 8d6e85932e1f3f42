"""`python -m mpm segment`: a picture in; mask, overlay and merge map out."""

from __future__ import annotations

import argparse
from pathlib import Path

from mpm.cli.inputs import add_runtime_options, device_of, load_model
from mpm.cli.recipes import RECIPE_HELP, add_rules_option, check_recipes, use_rules
from mpm.cli.types import Subparsers
from mpm.data.images import decode_image
from mpm.segmenters.run_files import check_source, save_run


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "segment",
        help="segment a picture and save mask, overlay and merge map",
        description="Writes STEM.mask.png (indexed, palette inside), STEM.overlay.png and STEM.merge.npz; of "
        "panoptic models also STEM.panoptic.png and STEM.panoptic.json, in COCO's format: all or none. Files "
        "of these names that came from another picture are not replaced.",
    )
    parser.add_argument("image", type=Path, help="a PNG, JPEG, WebP, GIF, BMP or TIFF file")
    parser.add_argument(
        "--model", default="streets-vit-tiny", help="a bundled model's name or a checkpoint folder"
    )
    parser.add_argument("--recipe", "--schedule", default="2,5", help=RECIPE_HELP)
    parser.add_argument("--output-dir", type=Path, default=Path("."), help="made if it is not there")
    parser.add_argument("--overwrite", action="store_true", help="replace results of other pictures, too")
    parser.add_argument("--resolution", type=int, help="short side in pixels (default: the model's own)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps or auto (default: cpu)")
    add_runtime_options(parser)
    add_rules_option(parser)
    parser.set_defaults(func=run, keeps_files=lambda _: True)


def run(args: argparse.Namespace) -> int:
    use_rules(args)
    check_recipes([args.recipe])
    decoded = decode_image(args.image)
    stem = args.image.stem
    if not args.overwrite:
        check_source(args.output_dir, stem, args.image)
    segmenter = load_model(args.model, device_of(args), args.runtime, args.number_format)
    result = segmenter.segment(decoded.rgb, args.recipe, args.resolution)
    for path in save_run(segmenter, decoded.rgb, result, args.output_dir, stem, args.image):
        print(path)
    kept = result.trace.token_counts
    print(f"recipe {result.recipe}: tokens {' -> '.join(map(str, kept))} ({kept[-1] / kept[0]:.1%} kept)")
    if result.segments is not None:
        print(f"{len(result.segments.table)} segments, {result.segments.things} of them things")
    for note in (*decoded.notes, *result.notes):
        print(note)
    return 0
