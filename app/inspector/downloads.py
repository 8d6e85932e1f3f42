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
from mpm.errors import InputError
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
) -> Download:
    """`what` is "mask", "npz", "report" or "python". Raises InputError for anything else."""
    makers = {"mask": _mask, "npz": _merge_map, "report": _report, "python": _python}
    if what not in makers:
        raise InputError(f"there is no download {what!r}: choose one of {', '.join(makers)}")
    run = engine.segment(picture, str(engine.read_recipe(schedule)), claim, profile=what == "report")
    return makers[what](engine, picture, run)


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


def _stem(run) -> str:
    return f"picture_{run.recipe.slug}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
