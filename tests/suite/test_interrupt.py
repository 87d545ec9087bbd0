"""However a run is ended, nothing of it stays; the next one works."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from perf.machine.lock import session_name
from serving.runtimes.docker import DockerRuntime
from tests.support.docker_engine import BASE, WHEELS
from tests.support.fakes import wait_until
from tests.support.suite import Started, Suite, fresh_suite, tiny_model

pytest_plugins = ("tests.support.docker_fixtures",)

AGES_S = 120
TERMINATED = 128 + signal.SIGTERM


@pytest.fixture
def suite() -> Iterator[Suite]:
    """A folder for runs, with nothing left in the end."""
    with fresh_suite() as made:
        yield made


def served() -> tuple[str, ...]:
    """Return the arguments of a small run that needs a server."""
    return ("--perf-model", tiny_model(), "-k", "serving-batch")


def start_and_measure(suite: Suite) -> Started:
    """Return a run whose jobs are all waiting for a server that is busy for ages."""
    run = suite.start(*served(), env=suite.slow_server(AGES_S))
    run.until("a server is started", run.servers)
    wait_until(lambda: len(clients(suite)) == 16, "sixteen jobs wait for an answer")
    return run


def clients(suite: Suite) -> list[psutil.Process]:
    """Return the jobs that run: the children of the launcher of client jobs."""
    found = []
    for process in suite.processes():
        with contextlib.suppress(psutil.Error):
            if "perf.load.jobs.client" in process.cmdline():
                found += process.children()
    return found


def assert_the_next_run_works(suite: Suite) -> None:
    """Assert that a run of the same folder, and so with the same lock, is green."""
    run = suite.run(
        *("--perf-model", tiny_model(), "--perf-scenario", "decentralized"),
        *("-k", "throughput", "--perf-pairs", "1"),
    )
    assert run.code == pytest.ExitCode.OK, run.output


def test_ctrl_c_while_the_server_starts_leaves_nothing(suite: Suite) -> None:
    """Exit code 2, no server, no folder; the lock is free again."""
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
    [(signal.SIGINT, pytest.ExitCode.INTERRUPTED), (signal.SIGTERM, TERMINATED)],
)
def test_a_signal_in_the_middle_of_a_block_leaves_nothing(
    number: signal.Signals, code: int, suite: Suite
) -> None:
    """Jobs that wait and workers that compute are ended; nothing is saved."""
    run = start_and_measure(suite)
    run.process.send_signal(number)
    ended = run.wait()
    assert suite.left_over() == []
    assert ended.code == code, ended.output
    assert "INTERNALERROR" not in ended.output


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, pytest.ExitCode.INTERRUPTED), (signal.SIGTERM, TERMINATED)],
)
def test_a_signal_removes_the_container(
    number: signal.Signals, code: int, suite: Suite
) -> None:
    """With the Docker runtime too nothing stays, whatever the server was about to do."""
    wheels = Path(WHEELS) if WHEELS else None
    DockerRuntime(session_name(), base=BASE, wheels=wheels).image()
    run = suite.start(*served(), "--perf-runtime", "docker")
    run.until("a container is started", suite.containers)
    run.process.send_signal(number)
    ended = run.wait()
    assert suite.left_over() == []
    assert ended.code == code, ended.output


def test_after_sigkill_jobs_vanish_and_the_next_run_ends_the_server(suite: Suite) -> None:
    """The launchers see their parent's death; the server is found by its label."""
    run = start_and_measure(suite)
    servers = run.servers()
    run.process.kill()
    run.process.wait()
    wait_until(lambda: not set(suite.processes()) - set(servers), "jobs are gone")
    assert run.servers(), "nobody is there to end the server"
    assert_the_next_run_works(suite)
    assert run.servers() == []
