"""What `python -m mpm compare` is made of: loss against time and tokens, for many recipes."""

from mpm.measure.compare.pictures import Pictures
from mpm.measure.compare.results import Comparison, EqualRow, Row
from mpm.measure.compare.run import compare

__all__ = ["Comparison", "EqualRow", "Pictures", "Row", "compare"]
