"""A benchmark's outcome as text for the screen."""

from __future__ import annotations

from collections.abc import Sequence

from mpm.clock import PARTS
from mpm.measure.bench.results import BenchResult, BenchRow, Kernel
from mpm.measure.text_table import percent, text_table

COLUMNS = (
    *("", "tokens", "GFLOPs", "ms", "p10-p90", "images/s", "speed-up", "95 %", "own"),
    *("of ideal", "merging", "peak MB", "agree"),
)


def render(result: BenchResult) -> str:
    """Machine and settings, the table of rows, the table of parts, and kernels measured alone."""
    blocks = [
        _header(result),
        text_table([COLUMNS, *(_cells(row) for row in result.rows)]),
        _parts(result.rows),
    ]
    blocks += [_kernel(name, values) for name, values in result.kernels.items()]
    return "\n\n".join(block for block in blocks if block)


def _header(result: BenchResult) -> str:
    own, machine = result.settings, result.machine
    width, height = own["image_wh_px"]
    return (
        f"{own['model']} ({own['weights']} weights, {own['classes']} classes), {width} x {height} pixels, "
        f"{own['patches']} patches, batch {own['batch']}, {own['dtype']}, {own['runs']} runs\n"
        f"{machine['device']}, {own['threads']} threads, torch {machine['torch']}"
    )


def _cells(row: BenchRow) -> tuple[str, ...]:
    seconds, speedup = row.seconds, row.speedup
    return (
        row.name,
        " > ".join(f"{count:.0f}" for count in row.token_counts) or "-",
        "-" if row.gflops is None else f"{row.gflops:.2f}",
        f"{1000 * seconds.median:.1f}",
        f"{1000 * seconds.p10:.0f}-{1000 * seconds.p90:.0f}",
        f"{row.images_per_s:.2f}",
        f"{speedup.value:.2f}x",
        f"{speedup.low:.2f}-{speedup.high:.2f}",
        "-" if row.speedup_own is None else f"{row.speedup_own.value:.2f}x",
        percent(row.of_ideal),
        percent(row.merge_share),
        "-" if row.peak_bytes is None else f"{row.peak_bytes / 1e6:.0f}",
        percent(row.agreement),
    )


def _parts(rows: Sequence[BenchRow]) -> str:
    profiled = [row for row in rows if row.kind != "reference" and row.parts]
    lines: list[tuple[str, ...]] = [("ms", *PARTS)]
    for row in profiled:
        lines.append((row.name, *(f"{1000 * row.parts.get(name, 0.0):.1f}" for name in PARTS)))
    return text_table(lines) if profiled else ""


def _kernel(name: str, values: Kernel) -> str:
    return "\n".join([name, *(f"  {key.ljust(30)} {_value(key, value)}" for key, value in values.items())])


def _value(key: str, value: float | None) -> str:
    if value is None:
        return "not measured"
    if key.endswith("_s"):
        return f"{1000 * value:.1f} ms"
    if key.endswith("_bytes"):
        return f"{value / 1e6:.1f} MB"
    if key.endswith("_speedup"):
        return f"{value:.1f}x"
    return f"{100 * value:.2f} %" if isinstance(value, float) else str(value)
