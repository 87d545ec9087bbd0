"""A pair's steps run in one fixed order, and a pair holds what its blocks gave."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from perf.experiment import pairing
from perf.experiment.arms import Found, MeasuredBlock
from perf.experiment.instruments import BlockReading, Instruments
from perf.experiment.limits import LimitGauge
from perf.experiment.seen import Seen
from perf.load.pools.base import BlockRun, OnRecord
from perf.load.record import BlockTotals
from perf.machine.usage import BlockUsage
from perf.stats import Block, Pair
from tests.perf.experiment.bench import (
    LAUNCH,
    OBSERVED,
    REFERENCE,
    REFERENCE_FIRST,
    REFERENCE_SECOND,
    SCENARIO,
    Bench,
    FixedRandom,
)
from tests.support.fakes import IMAGE, FakePace, FakeWatch, record

_BLOCKS = {"scenario: 8 images", "reference: 4 images"}


def first_arms(seed: str, rounds: int = 24) -> str:
    """Return for each pair the initial of the arm that came first: s or r."""
    bench = Bench(random.Random(seed))  # noqa: S311 -- a random order, not a secret
    bench.run(rounds)
    blocks = [call for call in bench.calls if call in _BLOCKS]
    return "".join(first[0] for first in blocks[::2])


def test_steps_run_in_the_fixed_order() -> None:
    """A launch with both warm-ups comes first, then the pairs.

    Both arms are launched and warmed up. The reference's block is first where the random
    number is below 0.5. The yardstick is read directly before and after the scenario's
    block. Each block is measured by the monitor of its own arm.
    """
    bench = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND, REFERENCE_FIRST))
    bench.run(3)
    assert bench.calls == [
        *LAUNCH,
        *(*REFERENCE, *SCENARIO),
        *(*SCENARIO, *REFERENCE),
        *(*REFERENCE, *SCENARIO),
    ]


def test_settings_are_checked_before_a_server_is_replaced() -> None:
    """Before each launch except the first, the old server is asked for its settings.

    Then the yardstick is restarted too.
    """
    bench = Bench(FixedRandom(REFERENCE_SECOND), launches_before=(0, 1, 2))
    bench.run(3)
    pair = [*SCENARIO, *REFERENCE]
    again = [*OBSERVED, "yardstick: relaunch", *LAUNCH]
    assert bench.calls == [*LAUNCH, *pair, *again, *pair, *again, *pair]


def test_nothing_runs_before_the_first_round() -> None:
    """Making a Pairing starts nothing."""
    assert Bench(FixedRandom(REFERENCE_FIRST)).calls == []


def test_seed_fixes_the_order() -> None:
    """The same seed gives the same order of blocks; other seeds give other orders."""
    assert first_arms("7 serving-batch") == first_arms("7 serving-batch")
    assert len({first_arms(f"{seed} serving-batch") for seed in range(20)}) > 1


@pytest.mark.parametrize("seed", ["7 serving-batch", "8 serving-batch", "7 serving-single"])
def test_each_arm_is_first_sometimes(seed: str) -> None:
    """Among 24 pairs, each arm comes first at least once."""
    assert set(first_arms(seed)) == {"r", "s"}


@pytest.mark.parametrize(
    ("before", "launches"),
    [
        ((0, 3, 6), [0, 0, 0, 1, 1, 1, 2]),
        ((0, 2), [0, 0, 1, 1]),
        ((0, 1, 2), [0, 1, 2]),
        ((0,), [0] * 5),
    ],
)
def test_server_is_relaunched_where_it_is_due(
    before: tuple[int, ...], launches: list[int]
) -> None:
    """A launch begins exactly before the pairs in `launches_before`.

    In each launch, warm-up and the check of the settings follow at once. Both arms are
    launched again: side by side, each has a server.
    """
    bench = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND), before)
    pairing = bench.run(len(launches))
    assert [pair.launch for pair in pairing.pairs] == launches
    for call in LAUNCH[: -len(OBSERVED)]:  # they are asked for again, before a launch
        assert bench.calls.count(call) == launches[-1] + 1
    begins = [n for n, call in enumerate(bench.calls) if call == LAUNCH[0]]
    assert all(bench.calls[n : n + len(LAUNCH)] == LAUNCH for n in begins)
    assert pairing.observed == {"of": "scenario"}


def test_pair_holds_what_was_measured_of_each_block() -> None:
    """They are throughput, pace, CPU time of an image and memory, and the launch.

    The fake monitor tells a second of CPU time a block. The fake jobs take no time, so
    there is no latency.
    """
    bench = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND), yardstick_rps=())
    pairing = bench.run(2)
    scenario = Block(rps=4.0, pace=2.0, cpu_ms=125.0, memory_bytes=1000)
    reference = Block(rps=2.0, pace=2.0, cpu_ms=250.0, memory_bytes=1000)
    assert pairing.pairs == [Pair(scenario, reference, 0)] * 2
    assert [len(block.images) for block in pairing.blocks] == [8, 8]


def test_block_holds_the_slowest_hundredth_of_its_latencies() -> None:
    """It is the 99th percentile of the jobs of the block, in milliseconds."""
    records = tuple(record(0)._replace(ended_s=n / 1000) for n in range(1, 101))
    run = BlockRun(records, BlockTotals(0.0, 4.0, 0.0, 0.0))
    seen = Seen(MeasuredBlock(run, (IMAGE,) * 100), BlockReading())
    found = seen.figures(FakePace())
    assert found.p99_ms == pytest.approx(99.0, abs=1.0)
    assert found == Block(rps=25.0, pace=4.0, p99_ms=found.p99_ms)


def test_a_request_that_failed_has_no_latency() -> None:
    """It counts against the goodput. Where all failed there is no 99th percentile."""
    answered = [record(0)._replace(ended_s=0.01)] * 98
    failed = [record(0, error="late")._replace(ended_s=60.0)] * 2
    totals = BlockTotals(0.0, 4.0, 0.0, 0.0)
    for records, p99_ms in (((*answered, *failed), 10.0), (failed, None)):
        run = BlockRun(tuple(records), totals)
        block = MeasuredBlock(run, (IMAGE,) * len(records), goodput_rps=5.0)
        found = Seen(block, BlockReading()).figures(FakePace())
        assert found.p99_ms == (p99_ms and pytest.approx(p99_ms))


def test_cpu_time_is_spread_over_all_that_was_computed() -> None:
    """Requests that were offered again took CPU time of the same reading."""
    run = BlockRun((record(0),), BlockTotals(0.0, 4.0, 0.0, 0.0))
    block = MeasuredBlock(run, (IMAGE,), goodput_rps=5.0, beside=3)
    reading = BlockReading(usage=BlockUsage(cpu_s=2.0))
    assert Seen(block, reading).figures(FakePace()).cpu_ms == pytest.approx(500.0)


@pytest.mark.parametrize("pile_up", [False, True])
def test_a_search_is_not_judged_by_the_memory_of_jobs_that_pile_up(
    *, pile_up: bool
) -> None:
    """It depends on the highest rate that was tried; that of a server does not."""
    run = BlockRun((record(0),), BlockTotals(0.0, 4.0, 0.0, 0.0))
    found = Found(2.0, 9.0, 0.95, probes=(), jobs_pile_up=pile_up)
    block = MeasuredBlock(run, (IMAGE,), found)
    usage = BlockUsage(cpu_s=2.0, memory_bytes=1000, memory_kind="rss")
    reading = BlockReading(usage=usage)
    seen = Seen(block, reading).figures(FakePace())
    assert seen.memory_bytes == (None if pile_up else 1000)
    assert seen.memory_kind == "rss"
    assert (seen.cpu_ms, seen.figure) == (None, "capacity")


def test_without_a_yardstick_a_pair_has_none() -> None:
    """The yardstick is measured for limits alone; a launch then has none to restart."""
    bench = Bench(FixedRandom(REFERENCE_SECOND), launches_before=(0, 1), yardstick_rps=())
    pairs = bench.run(2).pairs
    assert [pair.yardstick_rps for pair in pairs] == [None, None]
    pair = [*SCENARIO[1:-1], *REFERENCE]
    assert bench.calls == [*LAUNCH, *pair, *OBSERVED, *LAUNCH, *pair]


def test_yardstick_of_a_pair_is_the_geometric_mean_of_two_readings() -> None:
    """The readings are those directly before and after the scenario's block."""
    bench = Bench(
        FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND),
        yardstick_rps=(2.0, 8.0, 9.0, 16.0),
    )
    found = [pair.yardstick_rps for pair in bench.run(3).pairs]
    assert found == pytest.approx([4.0, 12.0, 4.0])


def test_all_jobs_are_counted_but_only_measured_ones_are_reported() -> None:
    """The counts include the warm-up jobs; `on_record` is called for measured jobs only."""
    bench = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND), launches_before=(0, 2))
    pairing = bench.run(4)
    assert pairing.counts.total == 2 * (2 + 2) + 4 * (8 + 4)
    assert len(bench.records) == 4 * (8 + 4)


def test_teardown_can_be_repeated() -> None:
    """A second teardown adds no pair, and one before any block does nothing."""
    bench = Bench(FixedRandom(REFERENCE_SECOND))
    bench.pairing.teardown()
    assert bench.calls == []
    pairing = bench.run(1)
    before = list(bench.calls)
    pairing.teardown()
    assert len(pairing.pairs) == len(pairing.blocks) == 1
    assert bench.calls == before


def test_late_teardown_completes_the_pair() -> None:
    """With `--benchmark-disable` no teardown runs; a later call adds the pair."""
    bench = Bench(FixedRandom(REFERENCE_FIRST))
    bench.pairing.setup()
    bench.pairing.block()
    assert bench.pairing.pairs == []
    bench.pairing.teardown()
    assert len(bench.pairing.pairs) == 1


def test_either_server_should_be_idle_during_the_others_block() -> None:
    """For each block of an arm, the watch gets the root processes of the other's server."""
    bench = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND))
    bench.run(2)
    ours, theirs = bench.scenario.server_pids(), bench.reference.server_pids()
    watch = cast("FakeWatch", bench.instruments.watch)
    assert watch.idle == [ours, theirs, theirs, ours]


def test_a_server_is_frozen_outside_its_own_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Either is frozen for the other's block, and both for the yardstick and the limits.

    This holds whether the reference's block is first or second. A launch freezes none.
    """
    bench = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND))
    ours, theirs = bench.scenario.server_pids(), bench.reference.server_pids()
    names = {ours: "ours", theirs: "theirs", (*ours, *theirs): "both"}

    @contextlib.contextmanager
    def at_rest(pids: Sequence[int]) -> Iterator[None]:
        bench.calls.append(f"freeze {names[tuple(pids)]}")
        yield
        bench.calls.append("resume")

    monkeypatch.setattr(pairing, "at_rest", at_rest)
    bench.instruments.limits = cast("LimitGauge", _Limits(bench.calls))
    bench.run(2)
    yardstick = ("freeze both", "yardstick", "resume")
    scenario = (*yardstick, "freeze theirs", *SCENARIO[1:-1], "resume", *yardstick)
    reference = ("freeze ours", *REFERENCE, "resume")
    limits = ("freeze both", "limits", "resume")
    assert bench.calls == [
        *LAUNCH,
        *(*reference, *scenario, *limits),
        *(*scenario, *reference, *limits),
    ]


class _Limits:
    """A gauge that logs each measurement."""

    def __init__(self, diary: list[str]) -> None:
        self._diary = diary

    def measure(self) -> None:
        self._diary.append("limits")


def test_conditions_are_kept_by_block() -> None:
    """Each measured block of either arm has its conditions; warm-up has none.

    The fake watch gives the n-th measured block a duration of n seconds.
    """
    bench = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND), launches_before=(0, 2))
    bench.run(3)
    durations_s = [
        [seen.reading.conditions.duration_s for seen in blocks if seen.reading.conditions]
        for blocks in ((one.reference, one.scenario) for one in bench.pairing.measured)
    ]
    assert durations_s == [[1.0, 2.0], [4.0, 3.0], [5.0, 6.0]]


@dataclass
class AtOnce:
    """Runs both blocks of a bench at once; keeps whose block began."""

    begun: list[bool] = field(default_factory=list)
    bench: Bench | None = None

    def run(
        self, _instruments: Instruments, on_record: OnRecord | None, *, ours_first: bool
    ) -> tuple[Seen, Seen]:
        """Return the blocks, each of which ran in two spans."""
        assert self.bench
        assert on_record
        self.begun.append(ours_first)
        spans = ((10.0, 11.0), (12.0, 15.0))
        arms = (self.bench.scenario, self.bench.reference)
        ours, theirs = (Seen(arm.block(), BlockReading(), spans=spans) for arm in arms)
        on_record(record(0))
        return ours, theirs


def test_both_blocks_may_run_at_once() -> None:
    """Chance decides whose block begins; both are checked; pace is that of the spans."""
    together = AtOnce()
    numbers = (REFERENCE_SECOND, REFERENCE_FIRST, REFERENCE_SECOND)
    bench = Bench(FixedRandom(*numbers), together=together)
    together.bench = bench
    pairing = bench.run(2)
    assert together.begun == [False, True]
    assert bench.calls.count("scenario: 8 images") == 2
    assert bench.calls.count("reference: 4 images") == 2
    assert pairing.counts.total == 2 * (8 + 4) + 2 * 2  # and the warm-ups
    assert len(bench.records) == 2
    assert [pair.scenario.pace for pair in pairing.pairs] == [4.0, 4.0]
    assert [pair.reference.pace for pair in pairing.pairs] == [4.0, 4.0]


@pytest.mark.parametrize(
    ("number", "first"), [(REFERENCE_FIRST, "reference"), (REFERENCE_SECOND, "scenario")]
)
def test_chance_decides_who_is_warmed_up_first(number: float, first: str) -> None:
    """Side by side, what was warmed up last may have an advantage."""
    together = AtOnce()
    bench = Bench(FixedRandom(number), together=together)
    together.bench = bench
    bench.run(1)
    warming = [call for call in bench.calls if call.endswith(": 2 images")]
    assert warming[0] == f"{first}: 2 images"
    assert len(warming) == 2
