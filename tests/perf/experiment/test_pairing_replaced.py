"""A disturbed pair is measured again, up to a limit, and the limit of pairs still holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from perf.experiment.pairing import Decided
from perf.experiment.seen import MeasuredPair
from perf.stats import Pair
from tests.perf.experiment.bench import (
    LAUNCH,
    REFERENCE,
    REFERENCE_SECOND,
    SCENARIO,
    Bench,
    FixedRandom,
)

_PAIR = [*SCENARIO, *REFERENCE]


def disturbed(*numbers: int) -> Callable[[MeasuredPair], str]:
    """Return what finds the pairs with these numbers disturbed, in order of measuring."""
    seen = iter(range(1000))

    def why(_: MeasuredPair) -> str:
        number = next(seen)
        return f"pair {number} was disturbed" if number in numbers else ""

    return why


def measured(bench: Bench, rounds: int) -> int:
    """Run so many rounds at most, and return how many it took to end."""
    for done in range(rounds):
        try:
            bench.run(1)
        except Decided:
            return done
    return rounds


def numbers(bench: Bench) -> list[float | None]:
    """Return the yardstick of each pair that counts; the readings number the pairs."""
    return [pair.yardstick_rps for pair in bench.pairing.pairs]


def test_a_disturbed_pair_is_measured_again() -> None:
    """The pair that was measured again takes its place; the reason is kept."""
    bench = Bench(
        FixedRandom(REFERENCE_SECOND),
        yardstick_rps=(1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0),
        disturbed=disturbed(1),
        most_replaced=2,
        most_pairs=3,
    )
    assert measured(bench, 9) == 4
    assert numbers(bench) == pytest.approx([1.0, 3.0, 4.0])
    assert bench.pairing.replaced == ["pair 1 was disturbed"]
    assert len(bench.pairing.blocks) == 3
    assert len(bench.pairing.all_blocks) == 4, "the monitor has seen its block too"
    assert bench.calls == [*LAUNCH, *4 * _PAIR]


def test_jobs_of_a_disturbed_pair_are_counted() -> None:
    """Their answers were checked, and a wrong one would have ended the measurement."""
    bench = Bench(
        FixedRandom(REFERENCE_SECOND),
        disturbed=disturbed(0),
        most_replaced=1,
        most_pairs=1,
    )
    measured(bench, 9)
    assert bench.pairing.counts.total == 2 + 2 + 2 * (8 + 4)


@pytest.mark.parametrize("most", [0, 1, 3])
def test_no_more_are_measured_again_than_allowed(most: int) -> None:
    """Where every pair is disturbed, the measurement ends, and later pairs count."""
    bench = Bench(
        FixedRandom(REFERENCE_SECOND),
        disturbed=lambda _: "always",
        most_replaced=most,
        most_pairs=4,
    )
    assert measured(bench, 64) == 4 + most
    assert bench.pairing.replaced == ["always"] * most
    assert len(bench.pairing.pairs) == 4


@pytest.mark.parametrize("first", [0, 2])
def test_a_disturbed_first_pair_of_a_launch_needs_no_other_launch(first: int) -> None:
    """The pair is measured again in the same launch, and `enough` is not asked again."""
    asked: list[int] = []

    def enough(pairs: Sequence[Pair]) -> bool:
        asked.append(len(pairs))
        return False

    bench = Bench(
        FixedRandom(REFERENCE_SECOND),
        launches_before=(0, 2),
        enough=enough,
        disturbed=disturbed(first),
        most_replaced=1,
        most_pairs=4,
    )
    assert measured(bench, 9) == 5
    assert [pair.launch for pair in bench.pairing.pairs] == [0, 0, 1, 1]
    assert bench.calls.count(LAUNCH[0]) == 2
    assert asked == [2]


def test_most_pairs_end_the_measurement() -> None:
    """When they are there, `setup` raises Decided, and neither arm is used again."""
    bench = Bench(FixedRandom(REFERENCE_SECOND), launches_before=(0, 2), most_pairs=2)
    bench.run(2)
    before = list(bench.calls)
    for _ in range(2):
        with pytest.raises(Decided):
            bench.pairing.setup()
    bench.pairing.teardown()
    assert bench.calls == before
    assert len(bench.pairing.pairs) == 2
