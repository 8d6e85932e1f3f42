"""What `python -m mpm bench` is made of: workloads, contenders, results, tables and figures."""

from mpm.measure.bench.results import BenchResult, BenchRow, Ratio

__all__ = ["BenchResult", "BenchRow", "Ratio"]
