"""Teams of processes: shares, sums, waiting, and one clear end when one of them fails."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist

from mpm.measure.distributed import ALONE, Team, _report, join_team

ROOT = Path(__file__).parents[2]


def together(work, size: int = 2) -> list:
    """What `work(team)` gives in each of `size` threads that share a store; exceptions count as results."""
    store, results = dist.HashStore(), [None] * size

    def one(rank: int) -> None:
        try:
            results[rank] = work(Team(rank, size, store))
        except BaseException as error:
            results[rank] = error

    threads = [threading.Thread(target=one, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive(), "nobody may wait for ever"
    return results


def test_without_torchrun_the_team_is_one(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    with join_team() as team:
        assert team is ALONE and team.leads
        assert list(team.share(4)) == [0, 1, 2, 3]
        values = np.array([3, 4])
        assert np.array_equal(team.sum(values), values)
        team.look()
        with team.lead_first():
            pass


@pytest.mark.parametrize(("size", "count"), [(1, 5), (2, 5), (3, 2), (4, 0)])
def test_shares_are_all_indices_once_and_even(size, count):
    shares = [list(Team(rank, size).share(count)) for rank in range(size)]
    assert sorted(index for share in shares for index in share) == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert len(shares[0]) == max(map(len, shares)), "the lead's progress bar ends last"


def test_the_lead_goes_first():
    order = []

    def work(team):
        if team.leads:
            time.sleep(0.2)
        with team.lead_first():
            order.append(team.rank)

    together(work, 3)
    assert order[0] == 0 and sorted(order) == [0, 1, 2]


def test_all_wait_for_the_slowest_each_time():
    begun = []

    def work(team):
        for turn in range(3):
            time.sleep(0.1 * (team.rank == turn))
            begun.append(turn)
            team._wait_for_all()
            assert begun.count(turn) == 3
        return "done"

    assert together(work, 3) == ["done"] * 3


@pytest.mark.parametrize("waits", ["looks", "lead_first", "sum"])
def test_nobody_waits_for_one_that_failed(waits):
    def work(team):
        if team.leads:
            time.sleep(0.1)
            team.store.set("mpm/failed", "0")
        elif waits == "sum":
            team.sum(np.zeros(1, np.int64))
        elif waits == "lead_first":
            with team.lead_first():
                pass
        else:
            for _ in range(100):
                team.look()
                time.sleep(0.05)

    _, other = together(work)
    assert isinstance(other, SystemExit) and other.code == 2


def test_what_all_find_wrong_is_said_once():
    first, *later = sorted(
        together(lambda team: _report(team.store, team.rank), 3), key=lambda end: end is not None
    )
    assert first is None and [error.code for error in later] == [2, 2]


def test_a_place_among_the_gpus(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    team = Team(3, 4)
    assert team.place(torch.device("cuda")) == torch.device("cuda", 1)
    assert team.place(torch.device("cuda", 0)) == torch.device("cuda", 0), "as asked for"
    assert team.place(torch.device("cpu")) == torch.device("cpu")
    assert ALONE.place(torch.device("cuda")) == torch.device("cuda")


PROGRAM = """
import sys, time
import numpy as np
from mpm.measure.distributed import join_team
from mpm.errors import InputError

try:
    with join_team() as team:
        mine = np.array([team.rank + 1, 2**40 * (team.rank + 1)])
        total = team.sum(mine)
        assert mine[0] == team.rank + 1, "its argument is left alone"
        again = team.sum(total)
        sys.stdout.write(f"sums {team.rank} {team.size} {total.tolist()} {again.tolist()}\\n")
        if not team.leads:
            raise InputError(f"image 17 is broken ({sys.argv[1]})")
        team.sum(mine)
        print("never", flush=True)
except InputError as error:
    print(f"program: {error}", file=sys.stderr)
    sys.exit(2)
"""


def test_sums_and_failure_under_torchrun(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    start = time.monotonic()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node=2",
            program,
            "here",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    sums = f"[3, {3 * 2**40}] [6, {6 * 2**40}]"
    assert sorted(done.stdout.splitlines()) == [f"sums 0 2 {sums}", f"sums 1 2 {sums}"]
    assert done.returncode != 0 and time.monotonic() - start < 90
    assert done.stderr.count("program: image 17 is broken (here)") == 1
    assert done.stderr.count("Traceback") <= 1, "torchrun's own at most"
