"""A host in a real process measures a row with a tiny model, and ends with its arm."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from perf.experiment.against import hosted as module
from perf.experiment.against.hosted import HostedArm, HostedError
from perf.experiment.against.tree import ROOT, Tree
from perf.load.record import JobRecord
from perf.machine.freezing import at_rest
from serving.errors import ConfigError, PerfError
from tests.perf.experiment.against.repository import HOST
from tests.support.fakes import ended, wait_until
from tests.support.suite import tiny_model

pytestmark = pytest.mark.slow(reason="starts hosts, which load a model")

OPTION = "--perf-against v1.4"
OURS = Tree(root=ROOT, label="v1.4", commit="", changed=False)
IMAGES = 3

Start = Callable[..., HostedArm]


@pytest.fixture
def start(cache: Path) -> Iterator[Start]:
    """A function that starts a host with a small run of one row, and more options."""
    started: list[HostedArm] = []

    def start_one(tree: Tree = OURS, **more: object) -> HostedArm:
        options = {
            "profile": "smoke",
            "scenario": ["decentralized"],
            "model": tiny_model(),
            "weights": "seeded",
            "runtime": "process",
            "device": "cpu",
            "total": IMAGES,
            "pairs": 1,
            "jobs": 2,
            "cache": str(cache),
            **more,
        }
        started.append(
            HostedArm(
                tree,
                sys.executable,
                options,
                OPTION,
                startup_timeout_s=180.0,
                job_timeout_s=120.0,
            )
        )
        return started[-1]

    yield start_one
    for arm in started:
        arm.stop()


def family(arm: HostedArm) -> list[int]:
    """Return the host and all processes under it."""
    (host,) = arm.host_pids()
    return [host, *(one.pid for one in psutil.Process(host).children(recursive=True))]


def test_a_host_measures_a_row(start: Start) -> None:
    """It launches, warms up, runs a block and checks it, in its own processes."""
    arm = start()
    assert (arm.slots, arm.block_images) == (2, IMAGES)
    assert arm.facts["model"] == "tiny"
    assert {"checkpoint", "arm", "torch"} <= set(arm.facts)
    arm.relaunch()
    assert len(arm.warm_up().images) == arm.slots
    heard: list[JobRecord] = []
    begin_s = time.monotonic()
    block = arm.block(heard.append)
    end_s = time.monotonic()
    assert len(block.images) == len(block.run.records) == arm.block_images
    assert tuple(heard) == block.run.records
    assert begin_s <= block.run.totals.began_s < block.run.totals.ended_s <= end_s
    assert block.run.totals.jobs_cpu_s > 0.0
    assert all(begin_s < one.ended_s < end_s and not one.error for one in heard)
    counts = arm.check(block)
    assert (counts.total, counts.failed, counts.wrong) == (arm.block_images, 0, 0)
    assert (arm.observed(), arm.describe(), arm.log_tail()) == ({}, {}, "")
    assert arm.server_pids() == ()
    assert set(arm.job_pids()) < set(family(arm))
    before = arm.job_pids()
    arm.relaunch()
    assert not set(arm.job_pids()) & set(before)
    assert not arm.keeps_jobs


def test_a_host_has_a_server(start: Start) -> None:
    """Each launch has another one; its settings are told; it ends with `stop`."""
    arm = start(scenario=["litserve-batch"])
    arm.relaunch()
    (first,) = arm.server_pids()
    arm.relaunch()
    (second,) = arm.server_pids()
    assert ended(first)
    assert not ended(second)
    arm.check(arm.warm_up()).raise_if_bad("warming up")
    arm.check(arm.block()).raise_if_bad("the block")
    assert arm.observed()
    assert isinstance(arm.log_tail(), str)
    pids = family(arm)
    assert second in pids
    arm.stop()
    wait_until(lambda: all(ended(pid) for pid in pids), "all processes end")


def test_stop_ends_all_processes(start: Start) -> None:
    """The host and its jobs are gone; a second call does nothing."""
    arm = start()
    arm.warm_up()
    pids = family(arm)
    assert len(pids) > 1
    arm.stop()
    arm.stop()
    wait_until(lambda: all(ended(pid) for pid in pids), "all processes end")


def test_a_host_that_dies_is_told(start: Start) -> None:
    """Whatever is asked next raises an error, and its jobs end with it."""
    arm = start()
    pids = family(arm)
    os.kill(pids[0], signal.SIGKILL)
    with pytest.raises(HostedError, match=r"^v1\.4: .*against\.host died"):
        arm.block()
    arm.stop()
    wait_until(lambda: all(ended(pid) for pid in pids), "all processes end")


@pytest.mark.parametrize("row", ["decentralized", "litserve-batch"])
def test_a_host_that_is_busy_is_interrupted(start: Start, row: str) -> None:
    """After Ctrl-C in a block, `stop` does not wait for the block, and nothing is left."""
    arm = start(scenario=[row])
    arm.relaunch()
    pids = family(arm)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with at_rest(arm.job_pids()):  # so this block has no end
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            with pytest.raises(KeyboardInterrupt):
                arm.block()
            begin_s = time.monotonic()
            arm.stop()
            assert time.monotonic() - begin_s < module._STOP_S / 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    wait_until(lambda: all(ended(pid) for pid in pids), "all processes end")


@pytest.mark.parametrize("row", ["decentralized", "serving-batch"])
def test_an_option_that_a_tree_does_not_know_is_named(start: Start, row: str) -> None:
    """A run with another meaning than the user's would be no comparison."""
    with pytest.raises(ConfigError) as caught:
        start(scenario=[row], workers=1, turbo_mode="on")
    assert str(caught.value) == (f"{OPTION}: it does not know the option --perf-turbo-mode")


def test_options_that_a_row_has_no_use_for_are_known(start: Start) -> None:
    """A run of several rows gives them to each row."""
    assert start(workers=2, batch_size=4, port=None, turbo=False).slots == 2


def test_a_row_that_a_tree_does_not_have_is_wrong_use(start: Start) -> None:
    """The message begins with the option that names the tree."""
    with pytest.raises(ConfigError, match=f"^{OPTION}: --perf-scenario nobody: no such"):
        start(scenario=["nobody"])


def test_a_model_that_cannot_be_built_is_the_trees_fault(
    start: Start, tmp_path: Path
) -> None:
    """The message names the tree, and its host has ended."""
    broken = tmp_path / "broken.pt"
    broken.write_text("no model", "utf-8")
    with pytest.raises(PerfError, match=r"^v1\.4: .*broken\.pt"):
        start(model=str(broken))


def test_another_protocol_is_refused(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both numbers are told, and the host has ended."""
    monkeypatch.setattr(module, "PROTOCOL", 99)
    with pytest.raises(ConfigError) as caught:
        start()
    assert str(caught.value) == (
        f"{OPTION}: it uses protocol 1, and this tree 99; compare with a "
        "revision closer to this one"
    )


def test_a_host_runs_the_code_of_its_tree(start: Start, tmp_path: Path) -> None:
    """Its modules are those of the tree, and it works in the tree's folder."""
    path = tmp_path / HOST
    for package in [*path.relative_to(tmp_path).parents][:-1]:
        (tmp_path / package).mkdir(parents=True, exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
    path.write_text("import os; raise SystemExit(f'this is {os.getcwd()}')", "utf-8")
    with pytest.raises(HostedError, match=f"this is {tmp_path}$"):
        start(Tree(root=tmp_path, label="other", commit="", changed=False))
