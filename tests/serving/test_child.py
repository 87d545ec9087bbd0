"""A child answers or its death is reported, and it never outlives its parent."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import serving.child
from serving.child import Child, ChildError, Source
from serving.errors import ArtifactError, ServerError
from serving.runtimes.process import session_members
from tests.support.fakes import PATIENCE_S, ended, wait_until

MODULE = "tests.support.child_that_obeys"

# Starts a child, prints its id, and waits to be killed.
_PARENT = f"""
import signal
from serving.child import Child
child = Child({MODULE!r})
assert child.call("ready", {PATIENCE_S}) == "ready"
print(child.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def child() -> Iterator[Child]:
    """A child that has answered once."""
    one = Child(MODULE, {"SPOKEN": "to the child"})
    try:
        assert one.call("ready", PATIENCE_S) == "ready"
        yield one
    finally:
        one.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the wait for children that do not end by themselves."""
    monkeypatch.setattr(serving.child, "_GRACE_S", 0.05)


def test_answers_one_by_one(child: Child) -> None:
    """Every request has its own answer, in order, from one process."""
    assert [child.call(n, PATIENCE_S) for n in range(5)] == list(range(5))


def test_environment_is_added(
    child: Child, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A child has the variables given to it, our environment and our PYTHONPATH."""
    assert child.call(("environment", "SPOKEN"), PATIENCE_S) == "to the child"
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("OURS", "too")
    other = Child(MODULE)
    try:
        assert other.call(("environment", "OURS"), PATIENCE_S) == "too"
        path = str(other.call(("environment", "PYTHONPATH"), PATIENCE_S))
        assert path.endswith(f":{tmp_path}")
    finally:
        other.stop()


def test_death_is_reported_with_the_end_of_the_log(child: Child) -> None:
    """A child's death raises ChildError with its exit code and the log's last lines."""
    with pytest.raises(ChildError) as caught:
        child.call("exit", PATIENCE_S)
    first, *tail = str(caught.value).splitlines()
    assert first == f"the process {MODULE} died: exit code 3"
    assert tail == [f"line {n}" for n in range(10, 30)]


def test_death_is_reported_to_the_next_request(child: Child) -> None:
    """Each request to a dead child raises ChildError."""
    for _ in range(2):
        with pytest.raises(ChildError, match="died"):
            child.call("exit", PATIENCE_S)


def test_unforeseen_error_is_a_death_with_its_traceback(child: Child) -> None:
    """An error other than PerfError ends the child, and the message has the traceback."""
    with pytest.raises(ChildError) as caught:
        child.call("fail", PATIENCE_S)
    assert "Traceback" in str(caught.value)
    assert str(caught.value).endswith("RuntimeError: what nobody foresaw")


def test_module_that_does_not_exist() -> None:
    """A child that cannot start raises ChildError with the reason."""
    one = Child("tests.no_such_module")
    try:
        with pytest.raises(ChildError, match=r"(?s)died: exit code 1\n.*no_such_module"):
            one.receive(time.monotonic() + PATIENCE_S)
    finally:
        one.stop()


@pytest.mark.usefixtures("impatient")
def test_silence_is_reported(child: Child) -> None:
    """A child that does not answer in time raises ChildError without a longer wait."""
    child.send("hang")
    with pytest.raises(ChildError, match=f"{MODULE} did not answer in time"):
        child.receive(time.monotonic())


@pytest.mark.usefixtures("impatient")
def test_closed_pipe_is_reported(child: Child) -> None:
    """A child that closes its pipe and lives raises ChildError too."""
    with pytest.raises(ChildError, match="closed its pipe"):
        child.call("shut up", PATIENCE_S)


def test_user_fault_comes_back_as_itself(child: Child) -> None:
    """A PerfError raised in the child is raised here, and the child stays alive."""
    with pytest.raises(ArtifactError, match=r"^--perf-model x: no such file$"):
        child.call("refuse", PATIENCE_S)
    with pytest.raises(ServerError) as caught:
        child.call("fail to serve", PATIENCE_S)
    assert caught.value.log_tail == "its last words"
    assert child.call("still there", PATIENCE_S) == "still there"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("deed", ["breed", "hang", "exit"])
def test_stop_leaves_nothing_of_the_group(deed: str) -> None:
    """After `stop` the child and its children are gone, whatever it was doing."""
    one = Child(MODULE)
    try:
        assert one.call("ready", PATIENCE_S) == "ready"
        group = {one.pid}
        if deed == "breed":
            group.add(int(str(one.call(deed, PATIENCE_S))))
            assert set(session_members(one.pid)) == group
        else:
            one.send(deed)
    finally:
        one.stop()
    wait_until(lambda: not any(session_members(one.pid)), "the group ends")
    assert all(ended(pid) for pid in group)


def test_interrupt_ends_a_busy_child(child: Child) -> None:
    """It need not be waited for, and its exit code says what ended it."""
    child.send("hang")
    child.interrupt()
    with pytest.raises(ChildError, match=f"{MODULE} died: ended by SIGTERM"):
        child.receive(time.monotonic() + PATIENCE_S)


def test_stop_waits_as_long_as_it_is_told(child: Child) -> None:
    """A child that does not end by itself is killed after that time."""
    child.send("hang")
    begin_s = time.monotonic()
    child.stop(grace_s=0.2)
    assert 0.2 <= time.monotonic() - begin_s < serving.child._GRACE_S
    assert ended(child.pid)


def test_module_of_another_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child runs in that tree, whose modules come before ours and before PYTHONPATH."""
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving" / "__init__.py").touch()
    says = "import os, sys; raise SystemExit(f'{os.getcwd()} {sys.path[:2]}')"
    (tmp_path / "serving" / "child.py").write_text(says, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    one = Child("serving.child", source=Source(sys.executable, tmp_path))
    try:
        with pytest.raises(ChildError) as caught:
            one.receive(time.monotonic() + PATIENCE_S)
    finally:
        one.stop()
    root = str(tmp_path)
    assert str(caught.value).splitlines()[1] == f"{root} {[root, root]}"


def test_our_own_death_ends_the_child() -> None:
    """A child ends when its parent is killed, because the pipe is closed."""
    command = [sys.executable, "-c", _PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: ended(pid), "the child ends")
