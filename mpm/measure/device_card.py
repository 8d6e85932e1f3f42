"""Device cards: what one machine measured, as a small JSON that holds nothing personal.

JSON, card format 2 (times in seconds):

    mpm_card   1, or 2 where a result is of another runtime than torch: older versions read the first only
    created    date, "2026-05-01"
    machine    processor, device, cores, torch
    settings   model, weights, image_wh_px, patches, batch, dtype, threads
    results    [{schedule (a recipe's text), tokens [mean counts at the start and after each insertion],
               median, p10, p90, runs, speedup [value, low, high], parts {name: seconds},
               runtime (torch where there is none, or such as "openvino bfloat16"),
               speedup_own [value, low, high] over "none" in the same runtime}], one of them "none"
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mpm.errors import InputError
from mpm.files import write_json
from mpm.merging.recipe import Recipe

if TYPE_CHECKING:
    from mpm.measure.bench import BenchResult, BenchRow, Ratio

FORMAT = 2
PLAIN_FORMAT, PLAIN_RUNTIME = 1, "torch"
"""Cards of nothing but torch are as they always were."""
MAX_BYTES = 64 * 1024
MAX_RESULTS = 32
MAX_TEXT = 120
PARTS = ("preprocess", "embed", "blocks", "match", "merge", "reconstruct", "decode", "upsample")

MACHINE: dict[str, type[str] | type[int]] = {"processor": str, "device": str, "cores": int, "torch": str}
SETTINGS: dict[str, type[str] | type[int]] = {
    "model": str,
    "weights": str,
    "patches": int,
    "batch": int,
    "dtype": str,
    "threads": int,
}


@dataclass(frozen=True)
class CardResult:
    """One schedule in one runtime on one machine. Seconds."""

    schedule: str
    tokens: tuple[float, ...]
    median: float
    p10: float
    p90: float
    runs: int
    speedup: tuple[float, float, float]
    parts: dict[str, float] = field(default_factory=dict)
    runtime: str = PLAIN_RUNTIME
    speedup_own: tuple[float, float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Its fields; those of runtimes only where it is of another than torch."""
        fields = asdict(self)
        if self.runtime == PLAIN_RUNTIME:
            del fields["runtime"]
        if self.speedup_own is None:
            del fields["speedup_own"]
        return fields


@dataclass(frozen=True)
class DeviceCard:
    """Fields as in the JSON form (see the module)."""

    created: str
    machine: dict[str, Any]
    settings: dict[str, Any]
    results: tuple[CardResult, ...]

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, ready for json.dumps."""
        is_plain = all(one.runtime == PLAIN_RUNTIME for one in self.results)
        results = [one.to_json() for one in self.results]
        return {"mpm_card": PLAIN_FORMAT if is_plain else FORMAT, **asdict(self), "results": results}

    def write(self, path: Path) -> None:
        """Save the card, whole or not at all. Raises InputError when the path cannot be written."""
        write_json(Path(path), self.to_json())


def card_of(result: BenchResult) -> DeviceCard:
    """The card of a benchmark: its plain runs in every runtime. Raises InputError for an unfit result."""
    rows = [_result_of(row) for row in result.rows if row.kind in ("run", "runtime")]
    return make_card(result.created, result.machine, result.settings, rows)


def make_card(
    created: str, machine: Mapping[str, Any], settings: Mapping[str, Any], results: Sequence[CardResult]
) -> DeviceCard:
    """A card of what was measured, with the fields that cards have and no others.

    created: ISO 8601; the day is kept. machine: as `mpm.measure.machine.machine_record` tells it. Raises
    InputError where a reader would refuse the card.
    """
    own_machine = {name: machine[name] for name in MACHINE}
    own_machine["cores"] = own_machine["cores"] or 1
    own = {name: settings[name] for name in SETTINGS}
    own["image_wh_px"] = list(settings["image_wh_px"])
    rows = [one.to_json() for one in results]
    card = {"created": created[:10], "machine": own_machine, "settings": own, "results": rows}
    return read_card(json.loads(json.dumps({"mpm_card": FORMAT, **card})))  # as a reader will see it


def parse_card(data: bytes | str) -> DeviceCard:
    """Read a card's file. Raises InputError, one sentence, for anything but a whole and sane card."""
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    if len(raw) > MAX_BYTES:
        raise InputError(f"A device card has at most {MAX_BYTES // 1024} kB, but this file has more")
    try:
        return read_card(json.loads(raw.decode("utf-8"), parse_constant=_no_constant))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("This file is not a device card: it is not valid JSON") from error


def read_card(data: Any) -> DeviceCard:
    """A card from its parsed JSON. Raises InputError with what was expected and what was found."""
    if not isinstance(data, dict) or "mpm_card" not in data:
        raise InputError("This file is not a device card: write one with `python -m mpm bench --card FILE`")
    _check_format(data["mpm_card"])
    results = _get(data, "results", list)
    if not 1 <= len(results) <= MAX_RESULTS:
        raise InputError(f"A device card holds 1 to {MAX_RESULTS} results, but this one has {len(results)}")
    read = tuple(_result(one, f"results[{place}]") for place, one in enumerate(results))
    ran = [(one.schedule, one.runtime) for one in read]
    if "none" not in (name for name, _ in ran) or len(set(ran)) < len(ran):
        raise InputError('A device card needs each schedule once, the baseline "none" among them')
    machine, settings = _get(data, "machine", dict), _get(data, "settings", dict)
    own: dict[str, Any] = {name: _get(settings, name, kind) for name, kind in SETTINGS.items()}
    own["image_wh_px"] = _numbers(settings, "image_wh_px", 2)
    kept = {name: _get(machine, name, kind) for name, kind in MACHINE.items()}
    return DeviceCard(_get(data, "created", str), kept, own, read)


def _check_format(found: Any) -> None:
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise InputError(f"The card's format must be a whole number from 1 up, but got {_short(found)}")
    if found > FORMAT:
        raise InputError(
            f"This card was written by a newer version (card format {_short(found)}; this one reads "
            f"{FORMAT}): update MPM Explorer to open it"
        )


def _result_of(row: BenchRow) -> CardResult:
    seconds, own = row.seconds, row.speedup_own
    return CardResult(
        row.schedule,
        row.token_counts,
        seconds.median,
        seconds.p10,
        seconds.p90,
        seconds.runs,
        _as_interval(row.speedup),
        row.parts,
        row.runtime,
        None if own is None else _as_interval(own),
    )


def _as_interval(ratio: Ratio) -> tuple[float, float, float]:
    return ratio.value, ratio.low, ratio.high


def _result(data: Any, where: str) -> CardResult:
    if not isinstance(data, dict):
        raise InputError(f"{where} of the card must be an object, but got {_short(data)}")
    parts = _get(data, "parts", dict, where)
    unknown = [name for name in parts if name not in PARTS]
    if unknown:
        raise InputError(f"{where} of the card names an unknown part, {_short(unknown[0])}")
    return CardResult(
        schedule=_recipe_text(_get(data, "schedule", str, where)),
        tokens=tuple(_numbers(data, "tokens", None, where)),
        median=_positive(data, "median", where),
        p10=_positive(data, "p10", where),
        p90=_positive(data, "p90", where),
        runs=_get(data, "runs", int, where),
        speedup=_interval(data, "speedup", where),
        parts={name: _number(parts, name, f"{where}.parts") for name in parts},
        runtime=_get(data, "runtime", str, where) if "runtime" in data else PLAIN_RUNTIME,
        speedup_own=_interval(data, "speedup_own", where) if "speedup_own" in data else None,
    )


def _recipe_text(text: str) -> str:
    """Its canonical form; that of a rule which is not known here stays as it is."""
    try:
        return str(Recipe.parse(text))
    except InputError:
        if "@" not in text:
            raise
        return text


_Kind = TypeVar("_Kind")


def _get(data: dict[str, Any], name: str, kind: type[_Kind], where: str = "the card") -> _Kind:
    value = data.get(name)
    words: dict[type, str] = {str: "text", int: "a whole number", list: "a list", dict: "an object"}
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{name!r} of {where} must be {words[kind]}, but got {_short(value)}")
    if isinstance(value, str) and (len(value) > MAX_TEXT or not value.isprintable()):
        raise InputError(f"{name!r} of {where} must be one line of at most {MAX_TEXT} characters")
    if isinstance(value, int) and not 0 < value < 10**9:
        raise InputError(f"{name!r} of {where} must be a whole number from 1 up, but got {_short(value)}")
    return value


def _number(data: dict[str, Any], name: str, where: str) -> float:
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise InputError(f"{name!r} of {where} must be a number from 0 up, but got {_short(value)}")
    return float(value)


def _positive(data: dict[str, Any], name: str, where: str) -> float:
    value = _number(data, name, where)
    if value == 0:
        raise InputError(f"{name!r} of {where} must be above 0")
    return value


def _numbers(data: dict[str, Any], name: str, length: int | None, where: str = "the card") -> list[float]:
    values = _get(data, name, list, where)
    if len(values) > MAX_RESULTS or (length is not None and len(values) != length):
        raise InputError(f"{name!r} of {where} must hold {length or 'a few'} numbers, but has {len(values)}")
    return [_number({name: value}, name, where) for value in values]


def _interval(data: dict[str, Any], name: str, where: str) -> tuple[float, float, float]:
    value, low, high = _numbers(data, name, 3, where)
    return value, low, high


def _short(value: Any) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**9 else "a huge number"
    return text if len(text) <= 40 else text[:37] + "..."


def _no_constant(name: str) -> float:
    raise InputError(f"The card holds {name}, which is not a number")
