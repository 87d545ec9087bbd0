"""A pair's steps run in one fixed order, and a pair holds what its blocks gave."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import cast

import pytest

from perf.experiment import pairing
from perf.experiment.instruments import REFERENCE_ARM, SCENARIO_ARM
from tests.perf.experiment.bench import (
    LAUNCH,
    REFERENCE,
    REFERENCE_FIRST,
    REFERENCE_SECOND,
    SCENARIO,
    Bench,
    FixedRandom,
)
from tests.support.fakes import FakeWatch

_BLOCKS = {"scenario: 8 images", "reference: 4 images"}


def first_arms(seed: str, rounds: int = 24) -> str:
    """Return for each pair the initial of the arm that came first: s or r."""
    bench = Bench(random.Random(seed))  # noqa: S311 -- a random order, not a secret
    bench.run(rounds)
    blocks = [call for call in bench.calls if call in _BLOCKS]
    return "".join(first[0] for first in blocks[::2])


def test_steps_run_in_the_fixed_order() -> None:
    """A launch with both warm-ups comes first, then the pairs.

    The reference's block is first where the random number is below 0.5. The yardstick is
    read directly before and after the scenario's block. Each block is measured by the
    monitor of its own arm.
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
    again = ["scenario: observed", "yardstick: relaunch", *LAUNCH]
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

    In each launch, warm-up and the check of the settings follow at once. The reference
    is never relaunched.
    """
    bench = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND), before)
    pairing = bench.run(len(launches))
    assert [pair.launch for pair in pairing.pairs] == launches
    for call in LAUNCH[:-1]:
        assert bench.calls.count(call) == launches[-1] + 1
    begins = [n for n, call in enumerate(bench.calls) if call == LAUNCH[0]]
    assert all(bench.calls[n : n + len(LAUNCH)] == LAUNCH for n in begins)
    assert pairing.observed == {"of": "scenario"}
    assert "reference: relaunch" not in bench.calls


def test_pair_holds_both_throughputs() -> None:
    """A pair holds the images a second of its two blocks, and its launch."""
    pairing = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND)).run(2)
    found = [(p.scenario_rps, p.reference_rps, p.launch) for p in pairing.pairs]
    assert found == [(4.0, 2.0, 0), (4.0, 2.0, 0)]
    assert [len(block.images) for block in pairing.blocks] == [8, 8]


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
    assert pairing.counts.total == 2 * (3 + 2) + 4 * (8 + 4)
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


def test_server_should_be_idle_during_the_reference() -> None:
    """For each block of the reference, the watch gets the server's root processes."""
    bench = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND))
    bench.run(2)
    server = bench.scenario.server_pids()
    watch = cast("FakeWatch", bench.instruments.watch)
    assert watch.idle == [server, (), (), server]


def test_server_is_frozen_outside_its_own_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is frozen for the reference and the yardstick, and runs for launch and block.

    This holds whether the reference's block is first or second.
    """
    bench = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND))

    @contextlib.contextmanager
    def at_rest(pids: Sequence[int]) -> Iterator[None]:
        assert pids == bench.scenario.server_pids()
        bench.calls.append("freeze")
        yield
        bench.calls.append("resume")

    monkeypatch.setattr(pairing, "at_rest", at_rest)
    bench.run(2)
    before, block, after = SCENARIO[:1], SCENARIO[1:-1], SCENARIO[-1:]
    assert bench.calls == [
        *LAUNCH,
        *("freeze", *REFERENCE, *before, "resume", *block, "freeze", *after, "resume"),
        *("freeze", *before, "resume", *block, "freeze", *after, *REFERENCE, "resume"),
    ]


def test_conditions_are_kept_by_arm() -> None:
    """Each measured block of either arm adds its conditions; warm-up adds none.

    The fake watch gives the n-th measured block a duration of n seconds.
    """
    bench = Bench(FixedRandom(REFERENCE_FIRST, REFERENCE_SECOND), launches_before=(0, 2))
    bench.run(3)
    kept = bench.instruments.conditions
    durations_s = {arm: [block.duration_s for block in kept[arm]] for arm in kept}
    assert durations_s == {REFERENCE_ARM: [1.0, 4.0, 5.0], SCENARIO_ARM: [2.0, 3.0, 6.0]}
