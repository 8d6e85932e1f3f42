"""Types that the commands share."""

from __future__ import annotations

import argparse
from typing import TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""The program's commands: each module of `mpm.cli` adds its own."""
