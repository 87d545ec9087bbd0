"""What every pool in the registry must do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from perf.experiment.answers import Counts, Expected
from perf.load import pools
from perf.load.pools.base import Pool
from perf.load.pools.child_pool import ChildPool
from perf.load.pools.registry import POOLS, find_pool
from perf.load.record import JobRecord
from serving.child import ChildError
from serving.errors import ConfigError
from serving.exit_code import in_words
from serving.runtimes.process import session_members
from tests.perf.load.blocks import (
    JOB_POOLS,
    OBEY,
    errors,
    in_order,
    members,
    most_at_a_time,
    root_pid,
    run,
    running,
)
from tests.perf.load.named_classes import named_classes_in
from tests.support.fakes import PATIENCE_S, ended, wait_until

# Runs two jobs that never end in the pool named by the argument, prints the pool's
# process, and waits to be killed.
_PARENT = f"""
import sys
from perf.load.pools.registry import find_pool
from perf.load.record import BlockRequest
pool = find_pool(sys.argv[1])({OBEY!r}, {{}})
print(*pool.root_pids(), flush=True)
pool.run(BlockRequest(("hang", "hang"), 2, {PATIENCE_S}, None))
"""
_ROOT = Path(__file__).parents[3]

# The pools that are one child process of ours, and the program that it runs.
CHILD_POOLS = {
    name: factory.program
    for name, factory in POOLS.items()
    if name in JOB_POOLS and isinstance(factory, type) and issubclass(factory, ChildPool)
}

every_child_pool = pytest.mark.parametrize("name", sorted(CHILD_POOLS))


class GivenUpError(Exception):
    """Stands for Ctrl-C, or whatever else ends a block before its last job."""


@pytest.fixture(params=JOB_POOLS)
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Each pool in turn, with jobs that do what their image's name says."""
    with running(request.param) as one:
        yield one


@pytest.mark.parametrize("slots", [1, 3])
def test_never_more_than_the_slots(pool: Pool, tmp_path: Path, slots: int) -> None:
    """As many jobs run at a time as there are slots, and never one more.

    The first jobs wait for one another, so that they end only if all slots are used.
    """
    images = [*[f"meet:{slots}"] * slots, *["kitten"] * 12]
    block = run(pool, *images, slots=slots, target=tmp_path)
    assert not any(errors(block))
    assert most_at_a_time(block) == slots


def test_one_record_for_each_image(pool: Pool) -> None:
    """Every image has one record, told as it ends; more slots than images do no harm."""
    told: list[JobRecord] = []
    block = run(pool, *["kitten"] * 7, slots=20, on_record=told.append)
    assert [record.image for record in in_order(block)] == list(range(7))
    assert tuple(told) == block.records


def test_no_images_is_an_empty_block(pool: Pool) -> None:
    """A block without jobs has totals and no record."""
    assert run(pool).records == ()


def test_times_are_in_order(pool: Pool) -> None:
    """All times are of one clock; without a schedule a job is due when it is launched."""
    block = run(pool, *["kitten"] * 4)
    began_s, block_ended_s = block.totals.began_s, block.totals.ended_s
    for r in block.records:
        times = began_s, r.launched_s, r.started_s, r.ended_s, block_ended_s
        assert list(times) == sorted(times)
        assert r.scheduled_s == r.launched_s
        assert r.latency_ms == pytest.approx(1e3 * (r.ended_s - r.launched_s))
    assert block.duration_s == block_ended_s - began_s


def test_jobs_cpu_is_counted(pool: Pool) -> None:
    """A block's totals hold the CPU of its own jobs, apart from the pool's."""
    block = run(pool, *["burn:0.05"] * 4)
    # The kernel counts the CPU of some systems in hundredths of a second.
    assert block.totals.jobs_cpu_s >= 4 * (0.05 - 0.01)
    assert 0 <= block.totals.pool_cpu_s < block.totals.jobs_cpu_s
    assert run(pool, "kitten").totals.jobs_cpu_s < block.totals.jobs_cpu_s


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("raise:no such thing", "ValueError: no such thing"),
        ("exit:3", "died: exit code 3"),
        ("exit:0", "died: exit code 0"),
        ("leave:0", "died: exit code 1"),
        (f"kill:{signal.SIGKILL:d}", f"died: {in_words(-signal.SIGKILL)}"),
        (f"kill:{signal.SIGSEGV:d}", "died: ended by SIGSEGV, it crashed in compiled code"),
    ],
)
def test_a_bad_job_has_failed(pool: Pool, deed: str, words: str) -> None:
    """A job that raises, ends or dies has failed, says how, and spoils no other."""
    block = run(pool, "kitten", deed, "kitten")
    assert errors(block) == ["", words, ""]
    assert [bool(record.answer) for record in in_order(block)] == [True, False, True]


def test_a_late_job_has_failed(pool: Pool) -> None:
    """A job that passes its deadline has failed, and leaves its slot to the next."""
    block = run(pool, "hang", "hang", "hang", slots=2, deadline_s=0.2)
    assert errors(block) == ["late: no answer within 0.2 s (--perf-job-timeout)"] * 3
    assert all(r.ended_s - r.launched_s >= 0.2 and not r.answer for r in block.records)
    assert errors(run(pool, "kitten")) == [""]


def test_bad_jobs_are_counted_as_failed(pool: Pool) -> None:
    """None of the ways to fail counts as an answer."""
    images = ["raise:x", "exit:3", "kill:9"]
    counts = Counts()
    counts.add(run(pool, *images).records, images, Expected(predictions={}))
    assert (counts.total, counts.failed, counts.wrong) == (3, 3, 0)


@every_child_pool
def test_the_environment_reaches_the_jobs(name: str) -> None:
    """The process that starts the jobs has the variables that the pool was given."""
    with running(name, env={"OMP_NUM_THREADS": "1"}) as one:
        environment = psutil.Process(root_pid(one)).environ()
    assert environment["OMP_NUM_THREADS"] == "1"


@every_child_pool
def test_a_module_that_cannot_be_imported(name: str) -> None:
    """A job module that is missing is a ChildError that names it."""
    with pytest.raises(ChildError, match=r"(?s)died.*tests\.no_such_jobs"):
        find_pool(name)("tests.no_such_jobs", {})


@every_child_pool
def test_a_relaunch_gives_new_processes(name: str) -> None:
    """The old ones have ended, and the new ones run jobs in the same environment."""
    with running(name, env={"OMP_NUM_THREADS": "1"}) as one:
        run(one, "kitten")
        before = members(one)
        one.relaunch()
        assert all(ended(pid) for pid in before)
        assert root_pid(one) not in before
        assert not any(errors(run(one, "kitten")))
        environment = psutil.Process(root_pid(one)).environ()
    assert environment["OMP_NUM_THREADS"] == "1"


@every_child_pool
def test_stop_in_the_middle_leaves_nothing(name: str) -> None:
    """A block that is given up before its end leaves no process of the pool."""

    def give_up(_record: JobRecord) -> None:
        there.update(members(one))
        raise GivenUpError

    there: set[int] = set()
    with pytest.raises(GivenUpError), running(name) as one:
        run(one, "hang", "hang", "exit:0", slots=3, on_record=give_up)
    assert len(there) == 3  # the pool's own process and the two jobs that hang
    assert all(ended(pid) for pid in there)


@every_child_pool
def test_the_death_of_the_pool_is_told_at_once(name: str) -> None:
    """A pool that is killed is a ChildError, and `stop` ends its jobs."""

    def kill(_record: JobRecord) -> None:
        there.update(members(one))
        os.kill(root_pid(one), signal.SIGKILL)

    there: set[int] = set()
    with running(name) as one:
        told = re.escape(
            f"the process {CHILD_POOLS[name]} died: {in_words(-signal.SIGKILL)}"
        )
        with pytest.raises(ChildError, match=f"^{told}"):
            run(one, "hang", "exit:0", on_record=kill)
        with pytest.raises(ChildError, match="died"):
            run(one, "kitten")
    wait_until(lambda: all(ended(pid) for pid in there), "the job ends")
    assert len(there) == 2


@every_child_pool
def test_our_own_death_ends_pool_and_jobs(name: str) -> None:
    """Where the measuring process is killed in a block, the pool and its jobs end too."""
    command = [sys.executable, "-c", _PARENT, name]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        group = int(parent.stdout.readline())
        wait_until(lambda: len(set(session_members(group))) == 3, "both jobs run")
        there = set(session_members(group))
        parent.kill()
    wait_until(lambda: all(ended(pid) for pid in there), "pool and jobs end")


@pytest.fixture(params=JOB_POOLS)
def looker(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Each pool in turn, with jobs that tell what is loaded."""
    with running(request.param, "tests.support.jobs_that_look") as one:
        yield one


@pytest.mark.parametrize(
    ("module", "loaded"),
    [
        ("perf.load.jobs.client", 1),
        ("torch", 0),
        ("numpy", 0),
        ("pydantic", 0),
        ("pytest", 0),
        ("requests", 0),
    ],
)
def test_a_pool_of_clients_is_light(looker: Pool, module: str, loaded: int) -> None:
    """Jobs are forked from a process that has their module loaded, and nothing heavy."""
    assert run(looker, module).records[0].answer == ((loaded, 1.0),)


def test_an_unknown_pool() -> None:
    """A pool that does not exist is one line that names those that do."""
    with pytest.raises(ConfigError) as caught:
        find_pool("ray")
    assert str(caught.value) == "pool ray: no such pool; known: forked, standing, open"


def test_every_pool_is_in_the_registry() -> None:
    """No file of a pool lacks its line."""
    assert named_classes_in(pools) == POOLS
