"""Models to choose from: folders of checkpoints, some of which are not downloaded yet."""

from __future__ import annotations

import threading
from pathlib import Path

from support.patience import PATIENCE_S

from app.engine.offers import Offer

MB = 10**6


class StubShelf:
    """Checkpoint folders as models; `arrived` are at hand. A download is half done until `may_end` is set."""

    def __init__(self, folders, arrived, sizes=None, trouble=None):
        self.folders, self.arrived, self.sizes, self.trouble = folders, set(arrived), sizes or {}, trouble
        self.may_end = threading.Event()

    def offers(self):
        return [
            Offer(name, Path(name).name, "streets", "MIT", self.sizes.get(name, MB), name in self.arrived)
            for name in self.folders
        ]

    def fetch(self, name, report):
        report(MB, 2 * MB)
        assert self.may_end.wait(PATIENCE_S)
        if self.trouble:
            raise self.trouble
        self.arrived.add(name)
