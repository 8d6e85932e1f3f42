"""The largest entry of every row of a table."""

from __future__ import annotations

import torch
from torch import Tensor


def row_best(table: Tensor) -> tuple[Tensor, Tensor]:
    """Each row's largest value and the first column that has it: (N, M) -> (N,), (N,) int64.

    As `table.max(1)`, for which PyTorch goes through a row number by number on the CPU; NumPy compares a
    vector at a time.
    """
    if table.device.type != "cpu" or table.dtype != torch.float32:
        values, columns = table.max(1)
        return values, columns
    columns = torch.from_numpy(table.detach().numpy().argmax(1))
    return table.gather(1, columns.unsqueeze(1)).squeeze(1), columns
