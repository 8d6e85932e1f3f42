"""A benchmark's outcome as data, and its JSON form.

JSON, schema 1 (times in seconds, memory in bytes; null: not measured):

    schema         1
    created        ISO 8601, UTC
    machine        system, processor, cores, device, torch, python
    settings       model, weights ("trained" | "random"), classes, image_wh_px and patches (of the first
                   picture), resolution_px (null: the model's own), batch, dtype, threads, runs, encoder_only
    rows           one object a contender, in the table's order:
      name         unique, as printed
      kind         "run" | "ideal" | "decode merged" | "reference" | "runtime"
      schedule     the recipe's text, "none", "2,5", "random@2,5"
      token_counts mean patch tokens an image at the start and after each insertion
      seconds      median, p10, p90, runs: one batch, picture to mask
      images_per_s batch / median
      speedup      value, low, high: unmerged median / this median with its 95 % bootstrap interval
      of_ideal     speedup / speedup of the ideal row of this recipe
      parts        seconds by part, medians of profiled runs
      merge_share  match + merge + reconstruct, share of all parts
      peak_bytes   memory at the peak of a run above what was held before it
      agreement    share of pixels labelled as the paper's rule labels them at the same blocks
      agreement_unmerged  the same against the unmerged run
      runtime      what ran it, "torch" or such as "openvino bfloat16"; files of earlier versions have none
      speedup_own  of a "runtime" row: as speedup, against the unmerged run of the same runtime
      gflops       10^9 operations of the first picture alone, counted as `mpm.measure.flops` says; files of
                   earlier versions have none
    kernels        tail and matcher measured alone, {} when not asked for: name -> seconds, bytes, ratios
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mpm.errors import InputError
from mpm.files import write_json
from mpm.measure.paired import Summary

SCHEMA = 1

Kernel = dict[str, float | None]
"""A kernel measured alone: seconds, bytes and ratios by name; None: not measured."""


@dataclass(frozen=True)
class Ratio:
    """A ratio with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class BenchRow:
    """One contender. The fields are those of the JSON form (see the module)."""

    name: str
    kind: str
    schedule: str
    token_counts: tuple[float, ...]
    seconds: Summary
    images_per_s: float
    speedup: Ratio
    of_ideal: float | None = None
    parts: dict[str, float] = field(default_factory=dict)
    merge_share: float | None = None
    peak_bytes: int | None = None
    agreement: float | None = None
    agreement_unmerged: float | None = None
    gflops: float | None = None
    runtime: str = "torch"
    speedup_own: Ratio | None = None


@dataclass(frozen=True)
class BenchResult:
    """A whole benchmark: machine, settings, rows, kernels measured alone."""

    created: str
    machine: dict[str, Any]
    settings: dict[str, Any]
    rows: tuple[BenchRow, ...]
    kernels: dict[str, Kernel] = field(default_factory=dict)

    def row(self, name: str) -> BenchRow:
        """The row of that name. Raises KeyError when there is none."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, ready for json.dumps."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, data: Any) -> BenchResult:
        """Read what `to_json` gave. Raises InputError for another schema or a field missing or unknown."""
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, dict) else type(data).__name__
            raise InputError(f"Benchmark results must have schema {SCHEMA}, but got {found!r}")
        try:
            rest = {name: value for name, value in data.items() if name not in ("schema", "rows")}
            return cls(rows=tuple(_row(row) for row in data["rows"]), **rest)
        except (KeyError, TypeError) as error:
            raise InputError(f"The benchmark results are not complete: {error}") from error

    def write(self, path: Path) -> None:
        """Save the JSON form, whole or not at all. Raises InputError when the path cannot be written."""
        write_json(path, self.to_json())


def _row(data: dict[str, Any]) -> BenchRow:
    seconds, speedup = Summary(**data["seconds"]), Ratio(**data["speedup"])
    own = data.get("speedup_own")
    read = {
        "seconds": seconds,
        "speedup": speedup,
        "token_counts": tuple(data["token_counts"]),
        "speedup_own": None if own is None else Ratio(**own),
    }
    return BenchRow(**{**data, **read})
