"""A model and a recipe as files that run without PyTorch: ONNX graphs, how they are chained, and a runner."""

from mpm.export.write import export

__all__ = ["export"]
