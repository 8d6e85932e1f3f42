"""Seedable synthetic streets with exact labels: `render_street(seed, dials=Dials(time_of_day=22))`."""

from mpm.streets.dials import Dials
from mpm.streets.scene import Street, render_street

__all__ = ["Dials", "Street", "render_street"]
