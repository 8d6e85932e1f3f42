"""Files that only Python can make: the full-size mask, the merge map, the report."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version

from app.engine.engine import Engine
from app.engine.pictures import Picture
from app.engine.scheduler import ANYBODY, Claim
from app.engine.steps import runs_only
from app.inspector.figure import FORMATS, figure_file
from mpm.errors import InputError, shortened
from mpm.measure.machine import device_name

REPORT_SCHEMA = "mpm-report/1"
PACKAGES = ("torch", "timm", "gradio", "numpy", "opencv-python")


@dataclass(frozen=True)
class Download:
    """A file for the browser to save."""

    name: str
    mime: str
    content: bytes


def make_download(
    engine: Engine,
    picture: Picture,
    schedule: str,
    what: str,
    claim: Claim = ANYBODY,
    speed: str | None = None,
) -> Download:
    """`what` is "mask", "npz", "report", "python", "figure-png", "figure-svg" or "figure-pdf".

    speed: words for the figure. Raises InputError for anything else.
    """
    kind = what.removeprefix("figure-")
    if what.startswith("figure-") and kind in FORMATS:
        return _figure(engine, picture, schedule, claim, speed, kind)
    if what not in MAKERS:
        raise InputError(f"There is no download {shortened(what)}: choose one of {', '.join(MAKERS)}")
    run = engine.segment(picture, str(engine.read_recipe(schedule)), claim, profile=what == "report")
    return MAKERS[what](engine, picture, run)


def report(engine: Engine, picture: Picture, run) -> dict:
    """What was run, on what, with which result: plain data, no pixels."""
    segmenter = engine.segmenter
    kept = run.trace.token_counts
    return {
        "schema": REPORT_SCHEMA,
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "image": {
            "digest_blake2b_96": picture.digest,
            "width_px": picture.wh_px[0],
            "height_px": picture.wh_px[1],
        },
        "model": {"name": segmenter.config.name, "depth": segmenter.depth, "patch_px": segmenter.patch_px},
        "grid": {"rows": run.grid.rows, "cols": run.grid.cols},
        "schedule": str(run.recipe),
        "token_counts": kept,
        "tokens_kept": kept[-1] / kept[0],
        "timing_s": {"total": run.timing.total, "parts": run.timing.parts, "runs": 1},
        "notes": [*picture.notes, *run.notes],
        "device": {
            "name": device_name(),
            "torch_device": str(segmenter.device),
            "dtype": str(segmenter.dtype)[6:],
            "runtime": segmenter.runtime,
        },
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "python": reproduction(segmenter.config.name, str(run.recipe), picture.title),
    }


def reproduction(model: str, schedule: str, title: str = "Your picture") -> str:
    """The few lines that repeat a run."""
    return (
        f"# {title}, through {model}, recipe {schedule}.\n"
        "# Install first, in a copy of the MPM Explorer: pip install .\n"
        "import mpm\n"
        "from mpm.images import decode_image\n\n"
        f"segmenter = mpm.load_segmenter({model!r})\n"
        'picture = decode_image("your-picture.jpg").rgb\n'
        f"run = segmenter.segment(picture, schedule={schedule!r}, profile=True)\n"
        "print(run.trace.token_counts, run.timing)\n"
    )


def _mask(engine: Engine, picture: Picture, run) -> Download:
    from mpm.segmenters.run_files import mask_png

    content = mask_png(run.labels, engine.segmenter.palette)
    return Download(f"{_stem(run)}.mask.png", "image/png", content)


def _merge_map(engine: Engine, picture: Picture, run) -> Download:
    from mpm.segmenters.run_files import merge_npz

    return Download(f"{_stem(run)}.merge.npz", "application/octet-stream", merge_npz(run.trace))


def _report(engine: Engine, picture: Picture, run) -> Download:
    text = json.dumps(report(engine, picture, run), indent=2) + "\n"
    return Download(f"{_stem(run)}.report.json", "application/json", text.encode())


def _python(engine: Engine, picture: Picture, run) -> Download:
    text = reproduction(engine.segmenter.config.name, str(run.recipe), picture.title)
    return Download(f"{_stem(run)}.py", "text/x-python", text.encode())


def _figure(
    engine: Engine, picture: Picture, schedule: str, claim: Claim, speed: str | None, kind: str
) -> Download:
    segmenter = engine.segmenter
    wanted = list(dict.fromkeys(["none", str(engine.read_recipe(schedule))]))
    runs = list(runs_only(engine.sweep(picture, wanted, claim)))
    runs.sort(key=lambda run: wanted.index(str(run.recipe)))
    names, title = segmenter.class_names, segmenter.config.name
    content = figure_file(picture.rgb, runs[0], runs[-1], names, segmenter.palette, title, speed, kind)
    return Download(f"{_stem(runs[-1])}.figure.{kind}", FORMATS[kind], content)


MAKERS = {"mask": _mask, "npz": _merge_map, "report": _report, "python": _python}


def _stem(run) -> str:
    return f"picture_{run.recipe.slug}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
