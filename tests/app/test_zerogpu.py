"""The ZeroGPU adapter, against a stand-in for `spaces` that pickles, forks and answers as the real one."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
import threading
import types
from dataclasses import replace

import numpy as np
import pytest

import mpm
from app.engine import zerogpu
from app.engine.engine import Engine
from app.engine.pictures import Picture
from app.engine.steps import runs_only
from mpm.errors import InputError
from mpm.segmenters.sweep import sweep


def forking_gpu(duration):
    """A decorator like `spaces.GPU(duration=...)`: arguments and result go through pickle into a fork."""

    def decorate(function):
        def call(*args):
            payload = pickle.dumps(args)
            context = multiprocessing.get_context("fork")
            reader, writer = context.Pipe(duplex=False)

            def work() -> None:
                # In a thread, as the real worker does it: OpenMP does not survive in the forking one.
                def run() -> None:
                    writer.send_bytes(pickle.dumps(function(*pickle.loads(payload))))

                thread = threading.Thread(target=run)
                thread.start()
                thread.join()

            process = context.Process(target=work)
            process.start()
            result = pickle.loads(reader.recv_bytes()) if reader.poll(60) else None
            process.join(10)
            return result

        call.duration = duration
        return call

    return decorate


@pytest.fixture
def space(monkeypatch):
    """A ZeroGPU Space."""
    spaces = types.ModuleType("spaces")
    spaces.GPU = forking_gpu
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")


@pytest.fixture(autouse=True)
def forget():
    """Nothing is registered and no model loaded, before and after."""
    kept = (zerogpu._worker_model, zerogpu._registered)
    for function in kept:
        function.cache_clear()
    yield
    for function in kept:
        function.cache_clear()


@pytest.fixture
def job(tiny, tmp_path, smooth_image) -> zerogpu.Job:
    folder = mpm.save_segmenter(tiny, tmp_path / "tiny")
    return zerogpu.Job(str(folder), smooth_image, ("none", "1,3"), max_patches=3072, max_label_px=64)


def test_elsewhere_nothing_changes(monkeypatch):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    monkeypatch.setitem(sys.modules, "spaces", None)  # importing it would fail
    assert not zerogpu.on_zerogpu() and not zerogpu.prepare()
    assert zerogpu.gpu(len) is len
    assert zerogpu.main_device("cuda") == "cuda"


def test_on_a_space_the_main_process_keeps_to_the_cpu(space):
    assert zerogpu.prepare()
    assert zerogpu._registered().duration == 60, "registered before the page is launched"
    assert zerogpu.main_device("auto") == "cpu"


def test_a_job_gives_in_a_worker_what_the_library_gives_here(space, job):
    there = zerogpu.run_job(job)
    segmenter = mpm.load_segmenter(job.model)
    here = list(sweep(segmenter, job.rgb, job.recipes, max_label_px=64))
    assert [str(run.recipe) for run in there] == ["none", "1,3"]
    for mine, theirs in zip(here, there, strict=True):
        assert np.array_equal(mine.labels, theirs.labels)
        assert mine.trace.token_counts == theirs.trace.token_counts
        assert np.array_equal(mine.trace.groups(0), theirs.trace.groups(0))
    assert zerogpu._worker_model.cache_info().currsize == 0, "the worker's model is not the main process's"


@pytest.mark.parametrize("schedules", [("99",), ("2,x",)])
def test_bad_input_stays_one_sentence(space, job, schedules):
    with pytest.raises(InputError, match="^Schedule"):
        zerogpu.run_job(replace(job, recipes=schedules))


def test_the_control_runs_there_too(job):
    chosen, drawn = zerogpu.run_job(job)[1], zerogpu.run_job(replace(job, recipes=("none", "random@1,3")))[1]
    assert not np.array_equal(chosen.trace.stages[0].partner, drawn.trace.stages[0].partner)


def test_the_page_s_runs_are_made_there_in_one_job_and_kept(space, job, monkeypatch):
    jobs, plain = [], zerogpu.run_job
    monkeypatch.setattr(zerogpu, "run_job", lambda one: (jobs.append(one.recipes), plain(one))[1])
    engine, picture = Engine(job.model, "cpu", threads=1).start(), Picture.of(job.rgb)
    there = list(runs_only(engine.sweep(picture, ["none", "1,3"])))
    again = list(engine.sweep(picture, ["1,3", "none"]))
    assert jobs == [("none", "1,3")] and [str(run.recipe) for run in there] == ["none", "1,3"]
    assert {id(run) for run in there} == {id(run) for run in again}
    alone = engine.segmenter.segment(job.rgb, "1,3")
    assert np.array_equal(there[1].labels, alone.labels)
