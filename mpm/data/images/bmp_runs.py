"""Run lengths of BMP: pairs of a count and a value, with escapes to move on or to give pixels one by one."""

from __future__ import annotations

import numpy as np


class _Canvas:
    """Rows from the bottom up, with a place to write at; what lies outside of a row is dropped."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.indices, self.is_set = bytearray(width * height), bytearray(width * height)
        self.x = self.y = 0

    def is_full(self) -> bool:
        return self.y >= self.height or (self.y == self.height - 1 and self.x >= self.width)

    def write(self, values: bytes) -> None:
        room = min(len(values), self.width - self.x)
        if room > 0 and self.y < self.height:
            start = self.y * self.width + self.x
            self.indices[start : start + room] = values[:room]
            self.is_set[start : start + room] = b"\1" * room
        self.x += len(values)


def read_runs(data: bytes, at: int, width: int, height: int, is_rle4: bool) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) uint8 palette entries and (H, W) bool which of them were written, bottom row first."""
    canvas = _Canvas(width, height)
    while not canvas.is_full():
        count, value = data[at], data[at + 1]
        at += 2
        if count:
            canvas.write(_repeated(count, value, is_rle4))
        elif value == 0:
            canvas.x, canvas.y = 0, canvas.y + 1
        elif value == 1:
            break
        elif value == 2:
            canvas.x, canvas.y = canvas.x + data[at], canvas.y + data[at + 1]
            at += 2
        else:
            length = (value + 1) // 2 if is_rle4 else value
            canvas.write(_listed(data[at : at + length], value, is_rle4))
            at += length + length % 2
    arrays = (np.frombuffer(flat, kind) for flat, kind in ((canvas.indices, np.uint8), (canvas.is_set, bool)))
    indices, is_set = (array.reshape(height, width) for array in arrays)
    return indices, is_set


def _repeated(count: int, value: int, is_rle4: bool) -> bytes:
    if is_rle4:
        return (bytes((value >> 4, value & 15)) * 128)[:count]
    return bytes((value,)) * count


def _listed(stored: bytes, count: int, is_rle4: bool) -> bytes:
    if is_rle4:
        stored = bytes(half for value in stored for half in (value >> 4, value & 15))
    if len(stored) < count:
        raise ValueError("The run lengths are cut off.")
    return stored[:count]
