"""How `tests/checks/measure_gpu.py` measures a table: contenders in turn, from pixels to logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import timm
import torch
from support.gpu_cases import Case, Scale
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

import mpm
from mpm.clock import Clock, PartClock
from mpm.data.images import decode_image
from mpm.encoders.base import Encoder, TokenState
from mpm.encoders.pick import pick_encoder
from mpm.encoders.run import encode
from mpm.encoders.vit import VitEncoder
from mpm.measure.bench.kernels import matcher, tail
from mpm.measure.bench.memory import peak_bytes
from mpm.measure.bench.workload import load_model
from mpm.measure.machine import machine_record
from mpm.measure.paired import Summary, alternate, ratio_interval
from mpm.merging.recipe import Recipe
from mpm.segmenters.run import run

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
CLASSES = 150
BACKENDS = {
    # A mask, as `sizes` has one, is more than FlashAttention takes: it runs in the memory-efficient kernel.
    "flash": [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION],
    "efficient": [SDPBackend.EFFICIENT_ATTENTION],
    "math": [SDPBackend.MATH],
}

Way = Callable[[Clock], list[TokenState]]
"""One batch, from pixels to logits."""


class Apart(VitEncoder):
    """Images of unequal length never packed: those of one length together, others apart."""

    def step_ragged(self, state: TokenState) -> TokenState:
        return Encoder.step_ragged(self, state)


def facts(device: torch.device) -> dict[str, object]:
    """The card, its driver, torch and its CUDA."""
    found = {**machine_record(device), "timm": timm.__version__, "mpm": mpm.__version__}
    if device.type == "cuda":
        own = torch.cuda.get_device_properties(device)
        found |= {"memory_gib": round(own.total_memory / 2**30, 1), "cuda": torch.version.cuda}
        found |= {"cudnn": torch.backends.cudnn.version(), "driver": _driver()}
    return found


def _driver() -> str:
    """As the kernel module tells it: no tool of the vendor is needed."""
    try:
        return Path("/proc/driver/nvidia/version").read_text().splitlines()[0].split("Module")[-1].split()[0]
    except (OSError, IndexError):
        return "unknown"


@torch.inference_mode()
def measure(case: Case, scale: Scale, device: torch.device) -> dict[str, object]:
    """A table as plain values."""
    size, batch = scale.size_px or case.size_px, scale.batch or case.batch
    found = {"batch": batch, "size_px": size, "attention": case.attention, "rows": []}
    if not case.model:
        return {**found, "kernels": {} if scale.model else _kernels(device)}
    name = scale.model if scale.model and case.model.startswith(("vit_", "deit_")) else case.model
    with _attention(case.attention, device):
        rows = _rows(_contenders(case, name, _pixels(batch, size).to(device)), batch, scale, case, device)
    return {**found, "rows": rows}


def _kernels(device: torch.device) -> dict[str, object]:
    return {"matcher": matcher(device), "tail": tail(CLASSES, device)}


@contextmanager
def _attention(kind: str, device: torch.device) -> Iterator[None]:
    """Only these of torch's kernels; a CPU has a choice of its own."""
    if device.type != "cuda":
        yield
        return
    with sdpa_kernel(BACKENDS[kind]):
        yield


def _pixels(batch: int, size: int) -> Tensor:
    """(B, 3, size, size) in -1 to 1: squares from the left, the middle and the right of each picture."""
    squares = []
    for path in sorted(EXAMPLES.glob("*.jpg")):
        rgb = decode_image(path).rgb
        side, spare = min(rgb.shape[:2]), rgb.shape[1] - min(rgb.shape[:2])
        for left in (0, spare // 2, spare):
            squares.append(cv2.resize(np.ascontiguousarray(rgb[:side, left : left + side]), (size, size)))
    squares += [square[:, ::-1] for square in squares]
    chosen = np.stack([squares[number % len(squares)] for number in range(batch)])
    return torch.from_numpy(chosen).permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous()


def _contenders(case: Case, name: str, pixels: Tensor) -> dict[str, Way]:
    make = _of_segmenter if case.head else _of_classifier
    ways = make(name, pixels, case)
    return {**{"none": ways("none", False)}, **{text: ways(text, False) for text in case.recipes}} | (
        {f"{text}, by length": ways(text, True) for text in case.recipes} if case.apart else {}
    )


def _of_segmenter(name: str, pixels: Tensor, case: Case) -> Callable[[str, bool], Way]:
    with pixels.device:
        model, _ = load_model(name, pixels.device, torch.bfloat16, pixels.shape[-1], CLASSES)
    model, pixels = model.to(pixels.device), pixels.to(torch.bfloat16)

    def way(text: str, apart: bool) -> Way:
        recipe, encoder = model.read_recipe(text), model.runner
        if apart:
            encoder = Apart(encoder.module, encoder.resizing)
        return lambda clock: list(run(encoder, model.decoder, pixels, recipe, clock).states)

    return way


def _of_classifier(name: str, pixels: Tensor, case: Case) -> Callable[[str, bool], Way]:
    torch.manual_seed(0)
    with pixels.device:
        model: nn.Module = timm.create_model(name, pretrained=False, img_size=pixels.shape[-1])
    model, pixels = model.to(torch.bfloat16).eval(), pixels.to(torch.bfloat16)
    encoder = pick_encoder(model)

    def way(text: str, apart: bool) -> Way:
        recipe = Recipe.parse(text)

        def go(clock: Clock) -> list[TokenState]:
            states = encode(encoder, pixels, recipe, clock)
            for state in states:
                model.forward_head(encoder.norm(encoder.restore(state)))
            return states

        return go

    return way


@dataclass(eq=False)
class _Timed:
    """A contender on the clock; the first run tells its tokens."""

    way: Way
    device: torch.device
    tokens: tuple[float, ...] = ()

    def __call__(self) -> float:
        clock = Clock(self.device)
        states = self.way(clock)
        seconds = clock.stop().total
        if not self.tokens:
            self.tokens = _mean_tokens(states)
        return seconds


def _mean_tokens(states: list[TokenState]) -> tuple[float, ...]:
    """Patch tokens of an image at the start and after each insertion."""
    later = [[float(one.counts.float().mean()) for one in state.maps] for state in states]
    return (float(states[0].grid.size), *np.mean(later, 0).tolist())


def _rows(
    ways: dict[str, Way], batch: int, scale: Scale, case: Case, device: torch.device
) -> list[dict[str, object]]:
    timed = {name: _Timed(way, device) for name, way in ways.items()}
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for name, taken in alternate(dict(timed), scale.runs, scale.warmup):
        seconds[name].append(taken)
    return [
        {
            "name": name,
            "tokens": timed[name].tokens,
            "images_per_s": batch / Summary.of(own).median,
            "speedup": ratio_interval(seconds["none"], own),
            "seconds": own,
            "peak_bytes": peak_bytes(lambda way=ways[name]: way(Clock(device)), device),
            "parts_s": _parts(ways[name], device) if case.profile else {},
        }
        for name, own in seconds.items()
    ]


def _parts(way: Way, device: torch.device) -> dict[str, float]:
    clock = PartClock(device)
    way(clock)
    return clock.stop().parts
