"""A capacity that was found is offered to a fresh launch."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest

from perf.config.table import Table
from perf.experiment.answers import JobsFailedError
from perf.experiment.capacity_result import Searches
from perf.experiment.confirmation import Confirmation
from perf.experiment.instruments import Instruments
from perf.experiment.pairing import Pairing
from perf.stats.capacity import Met
from tests.perf.experiment.one_server import OneServer, searching
from tests.support.fakes import FakeArm, fake_instruments

ROW = Table.read().find("capacity-batch").model_copy(update={"slo_share": 0.99})


@dataclass
class SteadyPace:
    """A pace of 1 at first, and of `later` once that is set."""

    later: float = 1.0
    cpu_percent: float = 1.5

    def within(self, _spans: object) -> float | None:
        """Return the pace."""
        return self.later


class Bench:
    """A search and its confirmation, of a server that answers 20 requests a second."""

    def __init__(self, service_s: float = 0.05) -> None:
        """Prepare; nothing is measured yet."""
        self.pool = OneServer(service_s)
        self.pace = SteadyPace()
        self.arm = searching(self.pool, slo_s=1.0)
        self.confirmation = Confirmation(ROW, self.arm, seed=0)
        self.instruments: Instruments = replace(fake_instruments([]), pace=self.pace)
        self.pairing = Pairing(
            ROW.name,
            self.arm,
            FakeArm("reference", [], block_images=4, image_s=0.5),
            instruments=self.instruments,
            launches_before=(0,),
            most_pairs=2,
            rng=random.Random(0),  # noqa: S311 -- a random order, not a secret
        )

    def search(self) -> None:
        """Measure two pairs, and forget which requests were sent."""
        for _ in range(2):
            self.pairing.setup()
            self.pairing.block()
            self.pairing.teardown()
        self.pool.requests.clear()

    def confirm(self) -> None:
        """Confirm what was found."""
        self.confirmation.run(self.pairing, self.instruments)


@pytest.fixture
def bench() -> Bench:
    """A bench whose search is done."""
    made = Bench()
    made.search()
    return made


def test_the_intervals_lower_end_is_offered_after_a_warm_up(bench: Bench) -> None:
    """There are so many requests that it can be said whether the SLO was met."""
    capacity = Searches(ROW, bench.pairing.measured, seed=0).capacity()
    assert capacity is not None
    bench.confirm()
    warm_up, probe = bench.pool.requests
    assert warm_up.arrivals.rate_rps is None
    found = bench.confirmation.probe
    assert found is not None
    assert probe.arrivals.rate_rps == pytest.approx(found.rate_rps)
    assert found.rate_rps == pytest.approx(capacity.low_rps)
    assert 10.0 < capacity.low_rps < 20.5
    assert found.scheduled == len(probe.images) >= 367
    assert found.met(0.99) is Met.YES


def test_the_rate_is_that_of_the_present_pace(bench: Bench) -> None:
    """A machine that is half as fast by now is offered half."""
    before = bench.confirmation
    bench.confirm()
    assert before.probe is not None
    again = Bench()
    again.search()
    again.pace.later = 0.5
    again.confirm()
    assert again.confirmation.probe is not None
    assert again.confirmation.probe.rate_rps == pytest.approx(0.5 * before.probe.rate_rps)


def test_a_confirmation_takes_forty_seconds_at_most() -> None:
    """If too few requests fit into them, it stays open whether the SLO was met."""
    bench = Bench(service_s=0.2)
    bench.search()
    bench.confirm()
    found = bench.confirmation.probe
    assert found is not None
    assert 38.0 < found.scheduled / found.rate_rps <= 40.0
    assert found.met(0.99) is Met.OPEN


def test_a_server_that_became_slower_is_not_confirmed(bench: Bench) -> None:
    """The probe says that the SLO was missed."""
    bench.pool.service_s = 0.2
    bench.confirm()
    assert bench.confirmation.probe is not None
    assert bench.confirmation.probe.met(0.99) is Met.NO


def test_a_warm_up_that_fails_ends_the_measurement(bench: Bench) -> None:
    """The fresh launch is no server then."""
    bench.pool.failing = 1
    with pytest.raises(JobsFailedError, match="capacity-batch, warming up"):
        bench.confirm()


def test_without_a_search_there_is_nothing_to_confirm() -> None:
    """Nothing is launched."""
    bench = Bench()
    bench.confirm()
    assert bench.confirmation.probe is None
    assert not bench.pool.requests
