"""The pool "open": requests leave at their times, and what a server does is seen."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from perf.experiment.typical_arrivals import typical
from perf.load.arrivals.base import Arrivals
from perf.load.arrivals.closed import ClosedLoop
from perf.load.arrivals.constant import ConstantRate
from perf.load.arrivals.poisson import PoissonArrivals
from perf.load.jobs.targets import Address
from perf.load.pools.base import BlockRun, Pool
from perf.load.record import BlockRequest
from tests.perf.load.answering import answering
from tests.perf.load.blocks import running
from tests.support.fakes import PATIENCE_S, wait_until
from tests.support.queueing import response_quantile_s

pytestmark = pytest.mark.slow(reason="measures times, with a server of its own")

CLIENT = "perf.load.jobs.client"
SERVICE_S = 0.04
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """One client for all tests."""
    with running("open", CLIENT) as made:
        yield made


@pytest.fixture
def image(tmp_path: Path) -> str:
    """A file of 50 kB."""
    path = tmp_path / "image.jpg"
    path.write_bytes(b"x" * 50_000)
    return str(path)


@contextmanager
def known_server(folder: Path, **variables: float) -> Iterator[Address]:
    """Run the server whose answers take known times."""
    port_file = folder / "port"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.known_server", str(port_file)],
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        cwd=ROOT,
    )
    try:
        wait_until(port_file.exists, "the server's port")
        yield Address("127.0.0.1", int(port_file.read_text()), "/", PATIENCE_S)
    finally:
        process.kill()
        process.wait()


def ask(  # noqa: PLR0913 -- a block's request, each part with a default
    pool: Pool,
    target: Address,
    image: str,
    *,
    jobs: int,
    arrivals: Arrivals = ClosedLoop(),  # noqa: B008 -- frozen
    slots: int = 500,
    deadline_s: float = PATIENCE_S,
) -> BlockRun:
    """Send so many requests."""
    return pool.run(BlockRequest((image,) * jobs, slots, deadline_s, target, arrivals))


def response_s(block: BlockRun) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the times from the scheduled starts to the answers."""
    return np.array([one.ended_s - one.scheduled_s for one in block.records])


def service_s(block: BlockRun) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the times from the sends to the answers."""
    return np.array([one.ended_s - one.launched_s for one in block.records])


def test_every_request_is_sent_and_answered(pool: Pool, image: str, tmp_path: Path) -> None:
    """One record for each, with the parsed answer, at the times of the schedule."""
    with known_server(tmp_path) as target:
        block = ask(pool, target, image, jobs=50, arrivals=ConstantRate(100.0))
    assert sorted(one.image for one in block.records) == list(range(50))
    assert {one.error for one in block.records} == {""}
    assert {one.answer for one in block.records} == {((281, 0.5),)}
    for one in block.records:
        due_s = block.totals.began_s + one.image / 100.0
        assert one.scheduled_s == pytest.approx(due_s, abs=1e-6)
        assert one.scheduled_s <= one.launched_s <= one.ended_s <= block.totals.ended_s


def test_a_closed_loop_keeps_its_slots_busy(pool: Pool, image: str, tmp_path: Path) -> None:
    """No request waits for a time, and no more than the slots are under way."""
    with known_server(tmp_path, SERVICE_S=SERVICE_S) as target:
        block = ask(pool, target, image, jobs=60, slots=4)
    assert len(block.records) == 60
    assert block.duration_s == pytest.approx(60 * SERVICE_S, rel=0.2)
    begun = np.sort([one.launched_s for one in block.records])
    ended = np.sort([one.ended_s for one in block.records])
    under_way = [int((begun <= at).sum() - (ended < at).sum()) for at in begun]
    assert max(under_way) == 4


def test_without_a_free_slot_requests_are_late_but_not_skipped(
    pool: Pool, image: str, tmp_path: Path
) -> None:
    """Their response counts from the schedule; their service from the send."""
    with known_server(tmp_path, SERVICE_S=SERVICE_S) as target:
        fast = ConstantRate(4.0 / SERVICE_S)
        block = ask(pool, target, image, jobs=40, slots=1, arrivals=fast)
    assert len(block.records) == 40
    assert response_s(block).max() == pytest.approx(30 * SERVICE_S, rel=0.2)
    assert np.median(service_s(block)) < 3 * SERVICE_S


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_response_times_are_those_of_theory(
    load: float, pool: Pool, image: str, tmp_path: Path
) -> None:
    """One server with constant service times: p50 and p99 are near the exact values.

    On a slow or busy machine an answer takes a few milliseconds more, in the server and on
    the way. So requests that had to wait say how long the server takes for each, and those
    that found it idle what the way adds.

    The same queue is computed from the times of these very arrivals, which are typical.
    """
    rate, jobs = load / SERVICE_S, 800
    arrivals = typical(PoissonArrivals(rate), jobs, 0)
    with known_server(tmp_path, SERVICE_S=SERVICE_S) as target:
        block = ask(pool, target, image, jobs=jobs, arrivals=arrivals)
    alone_s = answered_alone_s(block)
    assert alone_s == pytest.approx(SERVICE_S, rel=0.25)
    found = np.quantile(response_s(block), [0.5, 0.99])
    times = [one.scheduled_s for one in block.records]
    each_s = apart_s(block)
    expected = [one + alone_s - each_s for one in queue_quantiles(times, each_s)]
    # Beside other tests 12 % were seen. Counted from the send, p99 would be a tenth of it.
    assert found == pytest.approx(expected, rel=0.2)
    theory = [response_quantile_s(share, rate, SERVICE_S) for share in (0.5, 0.99)]
    assert queue_quantiles(times, SERVICE_S) == pytest.approx(theory, rel=0.25)


def answered_alone_s(block: BlockRun) -> float:
    """Return what a request takes that finds the server idle, in seconds."""
    ordered = sorted(block.records, key=lambda one: one.scheduled_s)
    return float(
        np.median(
            [
                one.ended_s - one.scheduled_s
                for before, one in itertools.pairwise(ordered)
                if before.ended_s < one.scheduled_s
            ]
        )
    )


def apart_s(block: BlockRun) -> float:
    """Return how far apart the answers are while requests wait, in seconds."""
    ordered = sorted(block.records, key=lambda one: one.ended_s)
    return float(
        np.median(
            [
                one.ended_s - before.ended_s
                for before, one in itertools.pairwise(ordered)
                if one.scheduled_s < before.ended_s
            ]
        )
    )


def queue_quantiles(arrivals_s: list[float], one_s: float) -> list[float]:
    """Return p50 and p99 of the response of these arrivals, computed."""
    free_s, found = 0.0, []
    for at_s in sorted(arrivals_s):
        free_s = max(at_s, free_s) + one_s
        found.append(free_s - at_s)
    return [float(np.quantile(found, share)) for share in (0.5, 0.99)]


def test_a_freeze_is_seen_from_the_schedule_alone(
    pool: Pool, image: str, tmp_path: Path
) -> None:
    """A server that stands still for 2 s: p99 of the response shows it.

    With few slots, no request is sent while all of them wait. So p99 of the service, as
    clients measure it that wait for an answer before they send again, hides it: this is
    called coordinated omission.
    """
    freeze = {"SERVICE_S": 0.001, "FREEZE_AT_S": 2.0, "FREEZE_S": 2.0}
    with known_server(tmp_path, **freeze) as target:
        block = ask(pool, target, image, jobs=1200, slots=4, arrivals=ConstantRate(200.0))
    assert np.quantile(response_s(block), 0.99) > 1.5
    assert np.quantile(service_s(block), 0.99) < 0.1


def test_a_late_answer_is_a_failure(pool: Pool, image: str, tmp_path: Path) -> None:
    """It names the option; the requests after it are answered."""
    freeze = {"SERVICE_S": 0.001, "FREEZE_AT_S": 0.2, "FREEZE_S": 1.0}
    with known_server(tmp_path, **freeze) as target:
        block = ask(
            pool, target, image, jobs=80, arrivals=ConstantRate(40.0), deadline_s=0.5
        )
    late = [one for one in block.records if one.error]
    assert 0 < len(late) < 80
    assert {one.error for one in late} == {
        "late: no answer within 0.5 s (--perf-job-timeout)"
    }


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (503, b"busy", "RefusedError: HTTP 503: busy"),
        (200, b"no json", "JSONDecodeError: "),
    ],
)
def test_a_bad_answer_is_a_failure(
    status: int, text: bytes, error: str, pool: Pool, image: str
) -> None:
    """Another status than 200, and an answer that is not understood."""
    with answering(status, text) as (_, target):
        block = ask(pool, target, image, jobs=3, arrivals=ConstantRate(100.0))
    assert len(block.records) == 3
    assert all(one.error.startswith(error) for one in block.records)


def test_a_server_that_is_gone_is_a_failure(pool: Pool, image: str) -> None:
    """No request waits for it; the pool goes on."""
    target = Address("127.0.0.1", 9, "/", PATIENCE_S)
    block = ask(pool, target, image, jobs=5, arrivals=ConstantRate(100.0))
    assert len(block.records) == 5
    assert all("ClientConnectorError" in one.error for one in block.records)
    assert block.duration_s < 5.0
