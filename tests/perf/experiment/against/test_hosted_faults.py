"""What is told of a host that dies, is too slow, or had jobs that were late."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perf.experiment.against import hosted as module
from perf.experiment.against.hosted import HostedArm, HostedError
from perf.experiment.against.protocol import PROTOCOL
from perf.experiment.against.tree import Tree
from perf.experiment.arms import MeasuredBlock
from perf.load.pools.base import BlockRun
from perf.load.record import BlockTotals
from tests.perf.experiment.against.repository import HOST

LATE = "a.jpg: late: no answer within {} s (--perf-job-timeout)"
PROGRAM = f"""
import sys, time
from multiprocessing.connection import Connection
pipe = Connection(int(sys.argv[1]))
pids = {{"jobs": [], "server": []}}
opened = {{"slots": 1, "block_images": 1, "facts": {{}}, "pids": pids}}
late = {{"total": 1, "failed": 1, "wrong": 0, "first_error": "{LATE.format(240)}"}}
replies = {{
    "open": {{"protocol": {PROTOCOL}, **opened}},
    "relaunch": {{"pids": pids, "describe": {{}}}},
    "check": late,
    "stop": None,
}}
while True:
    try:
        asked = pipe.recv()["do"]
    except EOFError:
        break
    if asked not in replies:
        raise SystemExit("its last words")
    if asked == "relaunch":
        time.sleep(0.5)
    pipe.send({{"to": asked, "value": replies[asked]}})
"""
NO_BLOCK = MeasuredBlock(BlockRun((), BlockTotals(0.0, 1.0, 0.0, 0.0)), ())

Start = Callable[[float], HostedArm]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts a host without a model; a launch of it takes half a second."""
    started: list[HostedArm] = []
    path = tmp_path / HOST
    for package in [*path.relative_to(tmp_path).parents][:-1]:
        (tmp_path / package).mkdir(parents=True, exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
    path.write_text(PROGRAM, "utf-8")

    def start_one(startup_timeout_s: float) -> HostedArm:
        tree = Tree(root=tmp_path, label="v1.4", commit="", changed=False)
        arm = HostedArm(
            tree,
            sys.executable,
            {"job_timeout": 240},
            "--perf-against v1.4",
            startup_timeout_s=startup_timeout_s,
            job_timeout_s=120.0,
        )
        started.append(arm)
        return arm

    yield start_one
    for arm in started:
        arm.stop()


def test_a_launch_may_take_as_long_as_a_server_may(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit follows from --perf-startup-timeout; the message names the tree."""
    monkeypatch.setattr(module, "_LAUNCH_S", 0.0)
    start(60.0).relaunch()
    with pytest.raises(HostedError, match=r"^v1\.4: .* did not answer in time$"):
        start(0.05).relaunch()


def test_the_tree_of_a_host_that_died_is_named(start: Start) -> None:
    """Side by side there are two hosts of the same module. Its last lines are told."""
    with pytest.raises(HostedError, match=r"^v1\.4: .*host died: .*\nits last words$"):
        start(60.0).log_tail()


def test_the_limit_of_a_late_job_is_the_users(start: Start) -> None:
    """In turns a job has twice as long, because its tree is stopped half of the time."""
    counts = start(60.0).check(NO_BLOCK)
    assert counts.first_error == LATE.format(120)
