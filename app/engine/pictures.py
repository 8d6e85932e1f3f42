"""Pictures, decoded once and kept by the digest of their pixels."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache

from mpm.errors import InputError

CACHE_BYTES = 512 * 2**20
MAX_REMEMBERED = 10_000
GONE = "this picture is not kept here any more: please pick it again"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as the page works with it.

    rgb     (H, W, 3) uint8
    digest  names the pixels
    notes   what the decoder had to say: first frame, scaled, on white ...
    truth   (H, W) uint8 labels, where the picture has any
    """

    rgb: np.ndarray
    digest: str
    title: str = "Your picture"
    notes: tuple[str, ...] = ()
    truth: np.ndarray | None = None

    @classmethod
    def of(cls, rgb: np.ndarray, **rest) -> Picture:
        """A picture of these pixels."""
        return cls(rgb, digest(rgb), **rest)

    @property
    def wh_px(self) -> tuple[int, int]:
        return self.rgb.shape[1], self.rgb.shape[0]

    @property
    def nbytes(self) -> int:
        return self.rgb.nbytes + (0 if self.truth is None else self.truth.nbytes)


class Pictures:
    """Those of late; one that had to make room is made again. Safe for several threads.

    Whoever sends the same pixels gets the same picture, however it came: examples and their labels are no
    secrets, and nobody can name a picture who does not have it.
    """

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self._lock = threading.Lock()
        self._kept: LRUCache = LRUCache(cache_bytes, getsizeof=lambda picture: picture.nbytes)
        self._makers: LRUCache = LRUCache(MAX_REMEMBERED)

    def add(self, picture: Picture, make: Callable[[], Picture] | None = None) -> Picture:
        """Keep a picture. make: makes it again; raises InputError where that is no longer possible.

        Labels that are known of the same pixels stay.
        """
        with self._lock:
            known = self._kept.get(picture.digest)
            if known is not None and known.truth is not None and picture.truth is None:
                return known
            if picture.nbytes <= self._kept.maxsize:
                self._kept[picture.digest] = picture
            if make is not None:
                self._makers[picture.digest] = make
        return picture

    def find(self, name: str | None) -> Picture:
        """The picture of a digest. Raises InputError where it is not here any more."""
        with self._lock:
            picture, make = self._kept.get(name), self._makers.get(name)
        if picture is None and make is not None:
            picture = self.add(make())
        if picture is None or picture.digest != name:
            raise InputError(GONE)
        return picture


class Examples:
    """The pictures that ship with the page, by name; each is opened when it is first wanted, and kept."""

    def __init__(self, examples: Sequence, pictures: Pictures) -> None:
        """examples: as `app.examples.EXAMPLES`."""
        self._examples = {example.stem: example for example in examples}
        self._pictures = pictures
        self._known: dict[str, tuple[str, str, bool]] = {}

    def find(self, name: str) -> Picture:
        """Raises InputError for a name that is none."""
        if name not in self._examples:
            raise InputError(f"There is no example {name!r}: choose one of {', '.join(self._examples)}")
        if name in self._known:
            picture = self._pictures.find(self._known[name][0])
            if _facts(picture) == self._known[name]:
                return picture
        # For the first time, or after a stranger sent the same pixels under another name.
        picture = self._pictures.add(self._open(name), lambda: self._open(name))
        self._known[name] = _facts(picture)
        return picture

    def _open(self, name: str) -> Picture:
        example = self._examples[name]
        return Picture.of(example.rgb(), title=example.title, truth=example.truth())


def _facts(picture: Picture) -> tuple[str, str, bool]:
    return picture.digest, picture.title, picture.truth is not None


def digest(rgb: np.ndarray) -> str:
    """A name for a picture's pixels."""
    hasher = hashlib.blake2b(repr(rgb.shape).encode(), digest_size=12)
    hasher.update(np.ascontiguousarray(rgb).data)
    return hasher.hexdigest()
