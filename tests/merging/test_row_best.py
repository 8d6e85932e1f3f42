"""The largest of each row: equal to torch's own max, ties and odd layouts included."""

from __future__ import annotations

import pytest
import torch

from mpm.merging.row_best import row_best

NOISE = torch.randn(70, 133, generator=torch.Generator().manual_seed(3))
TABLES = {
    "noise": NOISE,
    "transposed": NOISE.T,
    "every other column": NOISE[:, ::2],
    "many ties": (NOISE * 2).round(),
    "all equal": torch.zeros(5, 40),
    "all out of reach": torch.full((3, 9), -torch.inf),
    "one column": NOISE[:, :1],
    "no rows": NOISE[:0],
    "zeros of both signs": torch.tensor([[-0.0, 0.0], [0.0, -0.0]]),
    "float64": NOISE.double(),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_as_torch(table):
    values, columns = row_best(table)
    wanted = [next((n for n, one in enumerate(row) if one == max(row)), 0) for row in table.tolist()]
    assert columns.tolist() == wanted and columns.dtype == torch.int64
    assert values.dtype == table.dtype and torch.equal(values, table.max(1).values)


def test_of_numbers_that_learn():
    table = NOISE.clone().requires_grad_()
    values, _ = row_best(table)
    values.sum().backward()
    assert torch.equal(table.grad.sum(1), torch.ones(len(NOISE)))
