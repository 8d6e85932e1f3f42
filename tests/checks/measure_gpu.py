"""What merging is worth on one GPU, in eight minutes, with no network: figures and JSON.

    python tests/checks/measure_gpu.py --output DIR [--part NAME …] [--again] [--minutes 8] [--device cuda]

Random weights of the right shapes, and the bundled ones; pictures of assets/examples, cut into squares that
differ, so that a batch is ragged. Everything is bfloat16 and runs from pixels on the device to logits, the
contenders in turn. Each part writes DIR/PART.json when it ends: a second call does only what is missing.
--tiny tries it all on a CPU with small shapes. Exit status 1 where a part failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

import torch  # noqa: E402
from support.gpu_cases import PARTS, TINY, WHOLE, Case, Scale  # noqa: E402
from support.gpu_runs import facts, measure  # noqa: E402

from mpm.devices import pick_device  # noqa: E402
from mpm.errors import InputError  # noqa: E402
from mpm.files import write_json  # noqa: E402
from mpm.measure.text_table import text_table  # noqa: E402

COLUMNS = ("", "tokens", "images/s", "speed-up", "95 %", "peak MB")


def main() -> int:
    """Measure what is missing and print everything."""
    options = arguments()
    scale = TINY if options.tiny else WHOLE
    try:
        device = pick_device("cpu" if options.tiny else options.device)
        parts = chosen(options.part)
        write_json(options.output / "facts.json", facts(device))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(f"{name}: {value}" for name, value in facts(device).items()), flush=True)
    if options.tiny:
        torch.set_num_threads(1)  # for so little work, threads only get into each other's way
    deadline = time.monotonic() + 60 * options.minutes
    kept = [one_part(name, scale, device, options, deadline) for name in parts]
    return int(not all(kept))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--part", nargs="+", metavar="NAME", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--again", action="store_true", help="also what was measured before")
    parser.add_argument("--minutes", type=float, default=8, help="no part begins after so many")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a trial on the CPU")
    return parser.parse_args()


def chosen(names: list[str] | None) -> list[str]:
    """Parts in their own order. Raises InputError for one that is not there."""
    unknown = [name for name in names or () if name not in PARTS]
    if unknown:
        raise InputError(f"parts are {', '.join(PARTS)}, but got {', '.join(unknown)}")
    return [name for name in PARTS if not names or name in names]


def one_part(
    name: str, scale: Scale, device: torch.device, options: argparse.Namespace, deadline: float
) -> bool:
    """Whether nothing of the part failed: in an earlier call, now, or because its time has not come."""
    path = options.output / f"{name}.json"
    print(f"\n== {name}", flush=True)
    if path.is_file() and not options.again:
        for found in json.loads(path.read_text(encoding="utf-8"))["cases"]:
            show(found)
        return True
    if time.monotonic() > deadline:
        print("left for the next call", flush=True)
        return True
    start = time.perf_counter()
    cases = [run_case(case, scale, device) for case in PARTS[name]]
    failed = [found for found in cases if "failed" in found]
    if not failed:
        took_s = round(time.perf_counter() - start, 1)
        write_json(path, {"part": name, "trial": scale is TINY, "took_s": took_s, "cases": cases})
    return not failed


def run_case(case: Case, scale: Scale, device: torch.device) -> dict:
    """One table's figures, shown at once; or why there are none: the others keep their minutes."""
    try:
        found = {"title": case.title, **measure(case, scale, device)}
    except (RuntimeError, InputError) as error:
        found = {"title": case.title, "failed": " ".join(str(error).split())[:300]}
    if device.type == "cuda":
        torch.cuda.empty_cache()
    show(found)
    return found


def show(found: dict) -> None:
    if "failed" in found:
        print(f"{found['title']}: failed: {found['failed']}", flush=True)
        return
    print("{title}, batch {batch}, {size_px} px, attention: {attention}".format_map(found))
    if found["rows"]:
        print(text_table([COLUMNS, *(cells(row) for row in found["rows"])]), flush=True)
    for row in found["rows"]:
        if row["parts_s"]:
            parts = ", ".join(f"{part} {1000 * seconds:.1f}" for part, seconds in row["parts_s"].items())
            print(f"  {row['name']}, ms by part: {parts}", flush=True)
    if found.get("kernels"):
        print(json.dumps(found["kernels"], indent=2), flush=True)


def cells(row: dict) -> tuple[str, ...]:
    value, low, high = row["speedup"]
    return (
        row["name"],
        " > ".join(f"{count:.0f}" for count in row["tokens"]),
        f"{row['images_per_s']:.1f}",
        f"{value:.2f}x",
        f"{low:.2f}-{high:.2f}",
        "-" if row["peak_bytes"] is None else f"{row['peak_bytes'] / 1e6:.0f}",
    )


if __name__ == "__main__":
    sys.exit(main())
