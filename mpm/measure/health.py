"""How the machine fares while something is timed: temperature, clock, throttling, load of others.

Whatever the system does not tell is None, never a guess.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

CLOCK_MOVED = 0.05
OTHERS_HIGH = 0.1
STOLEN_HIGH = 0.03
TOOL_TIMEOUT_S = 1.0
CPU_SENSORS = ("cpu", "x86_pkg_temp", "soc", "coretemp", "k10temp", "zenpower")
# Bits of `vcgencmd get_throttled`, Raspberry Pi documentation; the same 16 higher: since the start.
PI_BITS = {0: "under-voltage", 1: "clock capped", 2: "throttled", 3: "soft temperature limit"}


@dataclass(frozen=True)
class Conditions:
    """One look at the machine. None: the system does not tell.

    throttled  words for what holds the clock down now, "" for nothing
    """

    temperature_c: float | None = None
    clock_mhz: float | None = None
    throttled: str | None = None
    events: int | None = None


def read_conditions(
    root: Path = Path("/"), run: Callable[[Sequence[str]], str | None] | None = None
) -> Conditions:
    """The CPU's conditions now. `run` calls a tool and gives its output, or None."""
    return Conditions(
        temperature_c=_temperature(root),
        clock_mhz=_clock(root),
        throttled=_throttled((run or run_tool)(["vcgencmd", "get_throttled"])),
        events=_throttle_events(root),
    )


def read_gpu(uuid: str, run: Callable[[Sequence[str]], str | None] | None = None) -> Conditions:
    """An NVIDIA GPU's conditions now, through nvidia-smi."""
    fields = (
        "temperature.gpu,clocks.sm,clocks_event_reasons.hw_slowdown,clocks_event_reasons.sw_thermal_slowdown"
    )
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits", "-i", uuid]
    cells = [cell.strip() for cell in ((run or run_tool)(command) or "").split(",")]
    if len(cells) != 4:
        return Conditions()
    known = [cell for cell in cells[2:] if cell in ("Active", "Not Active")]
    slow = "thermal or power slowdown" if "Active" in known else ""
    return Conditions(_number(cells[0]), _number(cells[1]), slow if known else None)


def run_tool(command: Sequence[str]) -> str | None:
    """A tool's output, or None when it is missing, fails or hangs."""
    path = shutil.which(command[0])
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, *command[1:]], capture_output=True, text=True, errors="replace", timeout=TOOL_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


class Watch:
    """Looks at the machine from time to time during a race and says what spoiled it."""

    def __init__(self, device: torch.device, look: Callable[[], Conditions] | None = None) -> None:
        self._look = look or _reader(device)
        self.begin()

    def begin(self) -> None:
        """From here on it counts."""
        self.seen: list[Conditions] = [self._look()]
        self._start = self._end = usage()

    def look(self) -> Conditions:
        """The conditions now, remembered."""
        self.seen.append(self._look())
        self._end = usage()
        return self.seen[-1]

    def warnings(self) -> tuple[str, ...]:
        """One sentence for each thing that spoiled the times, none when all was steady."""
        found = [
            _clock_warning(self.seen),
            _throttle_warning(self.seen),
            *load_warnings(self._start, self._end),
        ]
        return tuple(sentence for sentence in found if sentence)


@dataclass(frozen=True)
class Usage:
    """CPU seconds up to a moment: of everything on our cores, of this process, and taken by the host."""

    wall: float
    busy: float
    own: float
    stolen: float
    cores: int


def usage() -> Usage | None:
    """CPU time so far on the cores that this process may use; None where the system does not tell."""
    import psutil

    try:
        allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
        each = psutil.cpu_times(percpu=True)
        mine = [times for core, times in enumerate(each) if allowed is None or core in allowed]
        own = psutil.Process().cpu_times()
    except (OSError, psutil.Error, NotImplementedError):
        return None
    if not mine:
        return None
    stolen = sum(getattr(times, "steal", 0.0) for times in mine)
    busy = sum(times.user + times.system + getattr(times, "nice", 0.0) for times in mine)
    return Usage(time.monotonic(), busy, own.user + own.system, stolen, len(mine))


def load_warnings(start: Usage | None, end: Usage | None) -> list[str]:
    """What others took of our cores between two moments, in words; nothing when it was little."""
    if start is None or end is None or end.wall - start.wall < 0.5:
        return []
    wall, cores = end.wall - start.wall, end.cores
    others = max(0.0, (end.busy - start.busy - (end.own - start.own)) / wall)
    stolen = max(0.0, (end.stolen - start.stolen) / wall)
    found = []
    if others > OTHERS_HIGH * cores:
        found.append(
            f"Other programs kept {others:.1f} of {_cores(cores)} busy meanwhile, so times are longer and "
            "scatter more than on an idle machine."
        )
    if stolen > STOLEN_HIGH * cores:
        share = f"{100 * stolen / cores:.0f} %"
        found.append(f"The host withheld {share} of this virtual machine’s CPU time meanwhile.")
    return found


def _cores(count: int) -> str:
    return f"{count} core{'' if count == 1 else 's'}"


def _clock_warning(seen: Sequence[Conditions]) -> str:
    clocks = [one.clock_mhz for one in seen if one.clock_mhz]
    if len(clocks) < 2 or max(clocks) <= (1 + CLOCK_MOVED) * min(clocks):
        return ""
    return f"The clock moved between {min(clocks):.0f} and {max(clocks):.0f} MHz while this was measured."


def _throttle_warning(seen: Sequence[Conditions]) -> str:
    reasons = dict.fromkeys(one.throttled for one in seen if one.throttled)
    if reasons:
        return f"The machine held itself back ({'; '.join(reasons)}): times are longer than it can do."
    events = [one.events for one in seen if one.events is not None]
    return (
        "The processor was throttled by its temperature meanwhile."
        if events and events[-1] > events[0]
        else ""
    )


def _reader(device: torch.device) -> Callable[[], Conditions]:
    if device.type != "cuda":
        return read_conditions
    import torch

    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    return (lambda: read_gpu(f"GPU-{uuid}")) if uuid else Conditions


def _temperature(root: Path) -> float | None:
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*"))
    places = [(_text(zone / "type"), zone / "temp") for zone in zones]
    chips = sorted((root / "sys/class/hwmon").glob("hwmon*"))
    places += [(_text(chip / "name"), chip / "temp1_input") for chip in chips]
    for name, file in places:
        milli = _number(_text(file))
        if any(sensor in name.lower() for sensor in CPU_SENSORS) and milli and 0 < milli < 150_000:
            return milli / 1000
    return None


def _clock(root: Path) -> float | None:
    """The fastest core's clock: idle ones clock down without harm."""
    files = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_cur_freq")
    clocks = [number for number in map(_number, map(_text, files)) if number and number > 0]
    return max(clocks) / 1000 if clocks else None


def _throttle_events(root: Path) -> int | None:
    files = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    counts = [number for number in map(_number, map(_text, files)) if number is not None]
    return int(sum(counts)) if counts else None


def _throttled(text: str | None) -> str | None:
    found = re.search(r"throttled=0x([0-9a-fA-F]{1,8})\b", text or "")
    if not found:
        return None
    bits = int(found.group(1), 16)
    return ", ".join(word for bit, word in PI_BITS.items() if bits >> bit & 1)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except OSError:
        return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
