"""Pairs are measured in one exact order, and a bad job ends the measurement."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import cast

import pytest

import perf.pairing
from perf.arms import Load
from perf.check import JobsFailedError
from perf.jobs.record import JobRecord
from perf.monitor import Monitor
from perf.pairing import Pairing
from perf.stats import Pair
from tests.fakes import IMAGE, PREDICTIONS, FakeArm, FakeMonitor, record

REFERENCE_FIRST, REFERENCE_SECOND = 0.25, 0.75

_LAUNCH = ["scenario: relaunch", "scenario: 3 images", "scenario: observed"]
_SCENARIO = ["measure", "scenario: 8 images", "measured"]
_REFERENCE = ["reference: 4 images"]


class Coin(random.Random):
    """Falls as it is told, over and over."""

    def __init__(self, *falls: float) -> None:
        super().__init__(0)
        self._falls = falls
        self._thrown = 0

    def random(self) -> float:
        """Return the next fall."""
        self._thrown += 1
        return self._falls[(self._thrown - 1) % len(self._falls)]


@dataclass
class Bench:
    """A pairing of two fake arms, and the diary of what was asked of them."""

    rng: random.Random
    launches_before: tuple[int, ...] = (0,)
    diary: list[str] = field(default_factory=list)
    told: list[JobRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put it together."""
        self.scenario = FakeArm("scenario", self.diary, block_images=8, image_s=0.25)
        self.reference = FakeArm("reference", self.diary, block_images=4, image_s=0.5)
        self.pairing = Pairing(
            "serving-batch",
            self.scenario,
            self.reference,
            PREDICTIONS,
            monitor=cast("Monitor", FakeMonitor(self.diary)),
            launches_before=self.launches_before,
            warm_up_images=3,
            rng=self.rng,
            on_record=self.told.append,
        )

    def run(self, rounds: int) -> Pairing:
        """Measure, in the order in which pytest-benchmark calls."""
        for _ in range(rounds):
            self.pairing.setup()
            self.pairing.block()
            self.pairing.teardown()
        return self.pairing


def orders(seed: str, rounds: int = 24) -> str:
    """Return for each pair which arm came first: s or r."""
    bench = Bench(random.Random(seed))  # noqa: S311 -- an order, no secret
    bench.run(rounds)
    blocks = [line for line in bench.diary if line in {_SCENARIO[1], *_REFERENCE}]
    return "".join(first[0] for first in blocks[::2])


@pytest.fixture(autouse=True)
def cpu_read_of(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Whose CPU was read; each reading is a second more than the one before."""
    readings: list[tuple[int, ...]] = []

    def seconds(pids: tuple[int, ...]) -> float:
        readings.append(pids)
        return float(len(readings))

    monkeypatch.setattr(perf.pairing, "cpu_seconds", seconds)
    return readings


def test_exact_order() -> None:
    """A launch and its warm-up come first; the reference on the side the coin says."""
    bench = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND, REFERENCE_FIRST))
    bench.run(3)
    assert bench.diary == [
        *_LAUNCH,
        *(*_REFERENCE, *_SCENARIO),
        *(*_SCENARIO, *_REFERENCE),
        *(*_REFERENCE, *_SCENARIO),
    ]


def test_nothing_runs_before_the_first_round() -> None:
    """Putting a pairing together starts nothing."""
    assert Bench(Coin(REFERENCE_FIRST)).diary == []


def test_order_is_fixed_by_the_seed() -> None:
    """One seed is one order; other seeds have others."""
    assert orders("7 serving-batch") == orders("7 serving-batch")
    assert len({orders(f"{seed} serving-batch") for seed in range(20)}) > 1


@pytest.mark.parametrize("seed", ["7 serving-batch", "8 serving-batch", "7 serving-single"])
def test_both_orders_happen(seed: str) -> None:
    """Over two dozen pairs neither arm is always the first."""
    assert set(orders(seed)) == {"r", "s"}


@pytest.mark.parametrize(
    ("before", "launches"),
    [
        ((0, 3, 6), [0, 0, 0, 1, 1, 1, 2]),
        ((0, 2), [0, 0, 1, 1]),
        ((0, 1, 2), [0, 1, 2]),
        ((0,), [0] * 5),
    ],
)
def test_relaunch_where_it_is_due(before: tuple[int, ...], launches: list[int]) -> None:
    """A launch serves its pairs and no more; every one is warmed up and looked at once."""
    bench = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND), before)
    pairing = bench.run(len(launches))
    assert [pair.launch for pair in pairing.pairs] == launches
    for line in _LAUNCH:
        assert bench.diary.count(line) == launches[-1] + 1
    begins = [n for n, line in enumerate(bench.diary) if line == _LAUNCH[0]]
    assert all(bench.diary[n : n + 3] == _LAUNCH for n in begins)
    assert pairing.observed == {"of": "scenario"}
    assert "reference: relaunch" not in bench.diary


def test_pairs_hold_both_throughputs() -> None:
    """A pair is images a second of the scenario's block and of the reference's."""
    pairing = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND)).run(2)
    assert pairing.pairs == [Pair(4.0, 2.0, 0), Pair(4.0, 2.0, 0)]
    assert [len(block.images) for block in pairing.blocks] == [8, 8]


def test_every_job_is_counted_and_measured_ones_are_told() -> None:
    """Warm-up, scenario and reference are counted; progress hears of measured jobs."""
    bench = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND), launches_before=(0, 2))
    pairing = bench.run(4)
    assert pairing.counts.total == 2 * 3 + 4 * (8 + 4)
    assert len(bench.told) == 4 * (8 + 4)


def test_teardown_is_idempotent() -> None:
    """A second teardown adds no pair, and one before any block does nothing."""
    bench = Bench(Coin(REFERENCE_SECOND))
    bench.pairing.teardown()
    assert bench.diary == []
    pairing = bench.run(1)
    before = list(bench.diary)
    pairing.teardown()
    assert len(pairing.pairs) == len(pairing.blocks) == 1
    assert bench.diary == before


def test_teardown_completes_a_round_without_one() -> None:
    """Set-up and block alone, as of a disabled benchmark, are a pair after teardown."""
    bench = Bench(Coin(REFERENCE_FIRST))
    bench.pairing.setup()
    bench.pairing.block()
    assert bench.pairing.pairs == []
    bench.pairing.teardown()
    assert len(bench.pairing.pairs) == 1


def test_idle_cpu_is_of_the_server_while_the_reference_runs(
    cpu_read_of: list[tuple[int, ...]],
) -> None:
    """Before and after each reference block, first or second, the server's CPU is read."""
    bench = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND))
    pairing = bench.run(3)
    assert cpu_read_of == [bench.scenario.server_pids()] * 6
    assert pairing.idle_cpu_s == 3 * 1.0
    assert pairing.reference_s == 3 * (4 * 0.5)


BAD = {
    "failed": (record(0, error="died: signal 9"), "1 failed and 0 ", "died: signal 9"),
    "wrong": (record(0, top=((1, 1.0),)), "0 failed and 1 ", "wrong answer: classes"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize(
    ("arm", "block", "coin", "who", "total"),
    [
        ("scenario", 0, REFERENCE_FIRST, "serving-batch, warming up", 3),
        ("scenario", 1, REFERENCE_FIRST, "serving-batch", 3 + 4 + 8),
        ("scenario", 2, REFERENCE_SECOND, "serving-batch", 3 + (8 + 4) + 8),
        ("reference", 0, REFERENCE_FIRST, "serving-batch, reference arm", 3 + 4),
        ("reference", 0, REFERENCE_SECOND, "serving-batch, reference arm", 3 + 8 + 4),
    ],
    ids=["warm-up", "scenario", "second block", "reference first", "reference second"],
)
def test_bad_job_ends_the_measurement(  # noqa: PLR0913, PLR0917 -- a table of cases
    kind: str, arm: str, block: int, coin: float, who: str, total: int
) -> None:
    """One bad job of either arm, or of a warm-up, is an error with counts and its words."""
    bench = Bench(Coin(coin))
    bad, counts, words = BAD[kind]
    getattr(bench, arm).bad[block] = bad
    with pytest.raises(JobsFailedError) as caught:
        bench.run(5)
    message = str(caught.value)
    assert message.startswith(f"{who}: of {total} jobs {counts}answered wrongly; ")
    assert f"the first: {IMAGE}: {words}" in message
    # What came before stays, the pair with the bad job does not.
    assert len(bench.pairing.pairs) == (1 if block == 2 else 0)


def test_bad_warm_up_measures_nothing() -> None:
    """After a bad warm-up neither arm is measured."""
    bench = Bench(Coin(REFERENCE_FIRST))
    bench.scenario.bad[0] = record(0, error="died: signal 9")
    with pytest.raises(JobsFailedError):
        bench.run(1)
    assert bench.diary == _LAUNCH[:2]


def test_load_takes_images_in_turn() -> None:
    """Every job has the next image, across blocks; after the last comes the first."""
    load = Load(["a", "b", "c"], block_images=4, slots=1, deadline_s=1.0)
    assert load.take() == ("a", "b", "c", "a")
    assert load.take(1) == ("b",)
    assert load.take() == ("c", "a", "b", "c")
