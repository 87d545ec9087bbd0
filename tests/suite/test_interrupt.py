"""A run that is interrupted leaves nothing behind, and the next run works."""

from __future__ import annotations

import contextlib
import signal
import socket
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from perf.machine.lock import session_name
from serving.runtimes.docker import DockerRuntime
from tests.support.docker_engine import BASE, WHEELS
from tests.support.fakes import wait_until
from tests.support.suite import ROOT, Started, Suite, tiny_model

pytest_plugins = ("tests.support.docker_fixtures",)

AGES_S = 120
LONG_S = 45  # some grace periods, on a busy machine
TERMINATED = 128 + signal.SIGTERM
HUNG_UP = 128 + signal.SIGHUP


def served() -> tuple[str, ...]:
    """Return the arguments of a small run that needs a server."""
    return ("--perf-model", tiny_model(), "-k", "serving-batch")


def start_and_measure(suite: Suite, *more: str) -> Started:
    """Start a run, and return it once all its jobs wait for a server that never answers."""
    run = suite.start(*served(), *more, env=suite.slow_server(AGES_S))
    run.until("a server is started", run.servers)
    wait_until(lambda: len(clients(suite)) == 16, "sixteen jobs that wait for an answer")
    return run


def clients(suite: Suite) -> list[psutil.Process]:
    """Return the client jobs that are running: the children of the pool."""
    found = []
    for process in suite.processes():
        with contextlib.suppress(psutil.Error):
            if "perf.load.jobs.client" in process.cmdline():
                found += process.children()
    return found


def stopped(suite: Suite) -> list[psutil.Process]:
    """Return the processes that are stopped. Some may end while we look."""
    found = []
    for process in suite.processes():
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_STOPPED:
                found.append(process)
    return found


def assert_the_next_run_works(suite: Suite) -> None:
    """Assert that a run in the same folder, and so with the same lock, passes."""
    run = suite.run(
        *("--perf-model", tiny_model(), "--perf-scenario", "decentralized"),
        *("-k", "throughput", "--perf-pairs", "1"),
    )
    assert run.code == pytest.ExitCode.OK, run.output


def test_ctrl_c_while_the_server_starts_leaves_nothing(suite: Suite) -> None:
    """The exit code is 2, no server and no folder is left, and the lock is free again."""
    run = suite.start(*served())
    run.until("a server is started", run.servers)
    run.process.send_signal(signal.SIGINT)
    ended = run.wait()
    assert suite.left_over() == []
    assert ended.code == pytest.ExitCode.INTERRUPTED, ended.output
    assert "KeyboardInterrupt" in ended.output
    assert_the_next_run_works(suite)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, pytest.ExitCode.INTERRUPTED),
        (signal.SIGTERM, TERMINATED),
        (signal.SIGHUP, HUNG_UP),
    ],
)
@pytest.mark.parametrize(
    "beside", [(), (f"--perf-against={ROOT}",)], ids=["alone", "side by side"]
)
def test_a_signal_in_the_middle_of_a_block_leaves_nothing(
    number: signal.Signals, code: int, beside: tuple[str, ...], suite: Suite
) -> None:
    """Waiting jobs and computing workers are ended; the exit code is that of the signal.

    Side by side they belong to a process of each tree. That takes no longer.
    """
    run = start_and_measure(suite, *beside)
    begun_s = time.monotonic()
    run.process.send_signal(number)
    ended = run.wait()
    assert time.monotonic() - begun_s < LONG_S
    assert suite.left_over() == []
    assert ended.code == code, ended.output
    assert "INTERNALERROR" not in ended.output


def test_a_signal_while_the_docker_engine_is_asked_ends_the_run(suite: Suite) -> None:
    """The Docker SDK must not take it for an engine that cannot be reached."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{folder}/silent.sock")
        silent.listen()
        silent.settimeout(LONG_S)
        engine = {"DOCKER_HOST": f"unix://{folder}/silent.sock"}
        run = suite.start(*served(), "--perf-runtime", "process", env=engine)
        with silent.accept()[0]:
            run.process.send_signal(signal.SIGTERM)
            ended = run.wait()
    assert ended.code == TERMINATED, ended.output
    assert suite.left_over() == []


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, pytest.ExitCode.INTERRUPTED), (signal.SIGTERM, TERMINATED)],
)
def test_a_signal_removes_the_container(
    number: signal.Signals, code: int, suite: Suite
) -> None:
    """The Docker runtime leaves nothing behind either, even while the server starts."""
    wheels = Path(WHEELS) if WHEELS else None
    DockerRuntime(session_name(), base=BASE, wheels=wheels).image()
    run = suite.start(*served(), "--perf-runtime", "docker")
    run.until("a container is started", suite.containers)
    run.process.send_signal(number)
    ended = run.wait()
    assert suite.left_over() == []
    assert ended.code == code, ended.output


def test_after_sigkill_jobs_end_and_the_next_run_ends_the_server(suite: Suite) -> None:
    """Jobs end when their parent has died; the next run finds the server by its label."""
    run = start_and_measure(suite)
    servers = run.servers()
    run.process.kill()
    run.process.wait()
    wait_until(lambda: not set(suite.processes()) - set(servers), "the end of all jobs")
    assert run.servers(), "no process is left that could end the server"
    assert_the_next_run_works(suite)
    assert run.servers() == []


@pytest.mark.usefixtures("engine")
def test_after_sigkill_a_run_with_processes_removes_the_container(suite: Suite) -> None:
    """What a killed run left is gone, though the next run starts no container."""
    wheels = Path(WHEELS) if WHEELS else None
    DockerRuntime(session_name(), base=BASE, wheels=wheels).image()
    run = suite.start(*served(), "--perf-runtime", "docker")
    run.until("a container is started", suite.containers)
    run.process.kill()
    run.process.wait()
    assert suite.containers(), "nothing is left that could be removed"
    assert_the_next_run_works(suite)
    assert suite.containers() == {}


def test_after_sigkill_side_by_side_no_process_stays_stopped(suite: Suite) -> None:
    """The tree that waits for its turn is stopped, and cannot notice. It ends all the same.

    Its host ends its server too.
    """
    arguments = ("--perf-model", tiny_model(), "--perf-scenario", "decentralized")
    run = suite.start(*arguments, "-k", "throughput", f"--perf-against={ROOT}")

    run.until("a tree waits for its turn", lambda: stopped(suite))
    run.process.kill()
    run.process.wait()
    wait_until(lambda: not suite.processes(), "the end of all processes")
    assert_the_next_run_works(suite)
