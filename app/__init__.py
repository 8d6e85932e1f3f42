"""The page of MPM Explorer: its engine, its charts and its inspector."""

from mpm.system import share_cores

share_cores()
