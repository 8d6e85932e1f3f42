"""Run a notebook's code cells in order, as a fresh kernel would: `python run_notebook.py FILE`.

Without Jupyter: its kernel, client and what they need would be forty packages more for the same question.
Exit status 1 and a traceback that names the cell where one fails. Says how many figures were shown.
"""

from __future__ import annotations

import json
import linecache
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def code_cells(path: Path) -> dict[str, str]:
    """Source of each code cell by its id, in order."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"}


def run(path: Path) -> int:
    """Run all cells in one namespace. Returns the number of figures that were shown."""
    shown: list[int] = []

    def show(*_: Any, **__: Any) -> None:
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
            shown.append(number)
        plt.close("all")

    plt.show = show
    namespace = {"__name__": "__main__"}
    for name, source in code_cells(path).items():
        where = f"<cell {name}>"
        # So that a traceback shows the line.
        linecache.cache[where] = (len(source), None, source.splitlines(keepends=True), where)
        started = time.perf_counter()
        try:
            exec(compile(source, where, "exec"), namespace)
        except Exception:
            traceback.print_exc()  # unlike Python's own at the end, it shows lines that are in no file
            raise SystemExit(1) from None
        print(f"[{name}: {time.perf_counter() - started:.1f} s]", flush=True)
    return len(shown)


if __name__ == "__main__":
    print("figures shown:", run(Path(sys.argv[1])))
