"""The engine's contract around a tiny model."""

from __future__ import annotations


class StubEngine:
    """The engine's contract around a tiny model."""

    def __init__(self, segmenter, model: str = "tiny") -> None:
        self.name = model
        self.segmenter, self.model, self.calls, self.max_patches = segmenter, model, 0, 3072

    def read_recipe(self, text):
        return self.segmenter.read_recipe(text)

    def wait(self, timeout_s: float | None = None) -> bool:
        return True

    def exclusively(self, work):
        self.calls += 1
        return work(self.segmenter)
