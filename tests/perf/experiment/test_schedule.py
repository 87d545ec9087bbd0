"""How many launches a scenario has: as planned, as fit the budget, or until decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat

import pytest

from perf.config.profile import Profile
from perf.experiment.schedule import (
    BRIEF_LAUNCHES,
    FEWEST_LAUNCHES,
    Budget,
    Course,
)
from perf.stats import Block, Pair

STANDARD = Profile(
    model="resnet152",
    jobs=16,
    block_images=32,
    reference_images=6,
    pairs=16,
    launches=4,
)


class Clock:
    """Replaces the module `time`; its time changes only when a test changes it."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        """Return the time, in seconds."""
        return self.now_s


@dataclass
class Measurement:
    """Calls a Course as a pairing does. Nothing is measured: all pairs are equal."""

    clock: Clock

    budget_s: float | None = None

    profile: Profile = STANDARD

    decided: Callable[[int], bool] = lambda _: False
    """Returns whether so many launches decide."""

    fewest: int = FEWEST_LAUNCHES

    asked: list[tuple[list[int], int]] = field(default_factory=list)
    """What each call of `decided` got: the launch of each pair, and the plan."""

    def __post_init__(self) -> None:
        """Make the course."""
        self.begun_s = self.clock.now_s
        self.course = Course(
            profile=self.profile,
            budget_s=self.budget_s,
            decided=self._decided,
            fewest=self.fewest,
            _begun_s=self.begun_s,
        )

    def launches(self, *first_s: float, then_s: float = 0.0) -> list[int]:
        """Measure until the course ends, and return each pair's launch.

        The first launches take `first_s` seconds, the others `then_s` each.
        """
        lengths_s: Iterator[float] = chain(first_s, repeat(then_s))
        pairs: list[Pair] = []
        launch = -1
        while len(pairs) < self.course.most_pairs:
            if len(pairs) in self.course.launches_before():
                if pairs and self.course.enough(pairs):
                    break
                launch += 1
                self.clock.now_s += next(lengths_s)
            pairs.append(Pair(Block(1.0), Block(1.0), launch))
        return [pair.launch for pair in pairs]

    @property
    def taken_s(self) -> float:
        """How long the measurement took."""
        return self.clock.now_s - self.begun_s

    def _decided(self, pairs: Sequence[Pair], planned: int) -> bool:
        launches = [pair.launch for pair in pairs]
        self.asked.append((launches, planned))
        return self.decided(len(set(launches)))


def each(launches: int, pairs: int = 4) -> list[int]:
    """Return each pair's launch, for `launches` launches of `pairs` pairs each."""
    return [launch for launch in range(launches) for _ in range(pairs)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that `perf.experiment.schedule` reads."""
    fake = Clock()
    monkeypatch.setattr("perf.experiment.schedule.time", fake)
    return fake


@pytest.mark.parametrize("launch_s", [0.0, 10.0, 1e6])
def test_without_a_budget_the_profile_decides(clock: Clock, launch_s: float) -> None:
    """All launches of the profile are measured, even if they take very long."""
    measured = Measurement(clock)
    assert measured.launches(then_s=launch_s) == each(4)
    assert measured.course.planned == 4


def test_profile_with_uneven_launches_keeps_its_pairs(clock: Clock) -> None:
    """Without a budget, exactly the profile's pairs are measured, shared nearly evenly."""
    profile = STANDARD.model_copy(update={"pairs": 5, "launches": 2})
    assert Measurement(clock, profile=profile).launches() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("budget_s", "launches"),
    [(0.001, 2), (9.0, 2), (29.0, 2), (31.0, 3), (45.0, 4), (65.0, 6), (109.0, 10)],
)
def test_budget_gets_as_many_launches_as_fit(
    clock: Clock, budget_s: float, launches: int
) -> None:
    """A budget may give fewer or more launches than the profile, but at least two.

    One launch alone shows no spread between launches.
    """
    measured = Measurement(clock, budget_s)
    assert measured.launches(then_s=10.0) == each(launches)
    assert measured.course.planned == launches
    assert measured.taken_s <= max(budget_s, 20.0)


def test_mean_duration_decides_how_many_launches_fit(clock: Clock) -> None:
    """How many launches fit follows from the mean duration of all launches so far."""
    # After one launch of 30 s, two fit. After two launches of 20 s on average, three fit.
    slow_first = Measurement(clock, 61.0)
    assert slow_first.launches(30.0, then_s=10.0) == each(3)
    slow_later = Measurement(clock, 61.0)
    assert slow_later.launches(10.0, 10.0, 30.0, then_s=10.0) == each(3)


@pytest.mark.parametrize("pairs", [4, 5])
def test_every_launch_of_a_budget_has_equally_many_pairs(clock: Clock, pairs: int) -> None:
    """With a budget, each launch has as many pairs as the profile's largest launch."""
    profile = STANDARD.model_copy(update={"pairs": pairs, "launches": 2})
    measured = Measurement(clock, 55.0, profile)
    assert measured.launches(then_s=10.0) == each(5, pairs=(pairs + 1) // 2)


@pytest.mark.parametrize(
    ("pairs", "budget_s", "most"),
    [(16, None, 8), (16, 60.0, 16), (1, None, 1), (1, 1.0, 1)],
)
def test_as_many_pairs_as_half_a_profile_may_be_measured_again(
    clock: Clock, pairs: int, budget_s: float | None, most: int
) -> None:
    """It is at least one; with a budget, which has more launches, the whole profile."""
    update = {"pairs": pairs, "launches": min(pairs, 4)}
    profile = STANDARD.model_copy(update=update)
    assert Measurement(clock, budget_s, profile).course.most_replaced == most


def test_budget_gives_two_launches_to_a_profile_of_one(clock: Clock) -> None:
    """With a budget, a profile of one launch gets two; without one, it keeps one."""
    profile = STANDARD.model_copy(update={"pairs": 4, "launches": 1})
    assert Measurement(clock, 1.0, profile).launches(then_s=10.0) == each(2)
    assert Measurement(clock, None, profile).launches(then_s=10.0) == each(1)


def test_number_of_launches_has_an_upper_limit(clock: Clock) -> None:
    """A very large budget ends after 64 launches.

    The limit exists because pytest-benchmark must know the number of rounds in advance.
    """
    measured = Measurement(clock, 1e9)
    found = measured.launches(then_s=1.0)
    assert len(found) == measured.course.most_pairs
    assert found == each(64)


@pytest.mark.parametrize("launch_s", [0.0, 1.0])
def test_no_more_launches_are_planned_than_there_can_be(
    clock: Clock, launch_s: float
) -> None:
    """A plan beyond 64 would save error for launches that never come."""
    measured = Measurement(clock, 1e9)
    measured.launches(then_s=launch_s)
    assert {planned for _, planned in measured.asked} == {64}


def test_a_brief_measurement_plans_a_second_launch(clock: Clock) -> None:
    """What one launch does not leave open gets another, however short the time is."""
    measured = Measurement(clock, 1.0, fewest=BRIEF_LAUNCHES)
    assert measured.launches(then_s=10.0) == each(2)
    open_ = Measurement(clock, 1.0, fewest=BRIEF_LAUNCHES, decided=lambda _: True)
    assert open_.launches(then_s=10.0) == each(1)


@pytest.mark.parametrize("budget_s", [None, 1e6])
@pytest.mark.parametrize("enough", [2, 3])
def test_decision_ends_the_measurement(
    clock: Clock, budget_s: float | None, enough: int
) -> None:
    """No launch begins after the one that decided, with a budget or without."""
    measured = Measurement(clock, budget_s, decided=lambda launches: launches >= enough)
    assert measured.launches(then_s=10.0) == each(enough)


@pytest.mark.parametrize("budget_s", [None, 45.0])
def test_decided_is_asked_after_each_launch_from_the_second(
    clock: Clock, budget_s: float | None
) -> None:
    """`decided` is called between launches, with the pairs so far and the planned launches.

    It is not called after the first launch, nor after the last.
    """
    measured = Measurement(clock, budget_s)
    measured.launches(then_s=10.0)
    assert measured.asked == [(each(2), 4), (each(3), 4)]


def test_one_launch_never_decides(clock: Clock) -> None:
    """Even if `decided` always returns True, two launches are measured."""
    measured = Measurement(clock, decided=lambda _: True)
    assert measured.launches() == each(2)


def test_plan_follows_the_time_that_launches_take(clock: Clock) -> None:
    """`decided` gets the launches that fit now; the plan is never below those made."""
    measured = Measurement(clock, 61.0)
    assert measured.launches(10.0, 10.0, 10.0, then_s=40.0) == each(4)
    assert [planned for _, planned in measured.asked] == [6, 6]
    assert measured.course.planned == 4


def test_budget_is_shared_equally(clock: Clock) -> None:
    """Scenarios that use their whole shares get equal ones.

    The clock starts with the first scenario, so building the model costs nothing.
    """
    budget = Budget(dict.fromkeys("abcd", 30.0))
    clock.now_s += 500.0  # the model is built before the first scenario
    shares_s = []
    for name in "abcd":
        shares_s.append(budget.share_s(name))
        clock.now_s += shares_s[-1]
    assert shares_s == [30.0] * 4


def test_unused_time_goes_to_the_other_scenarios(clock: Clock) -> None:
    """The remaining time is shared among the remaining scenarios; the last gets it all."""
    budget = Budget(dict.fromkeys("abc", 40.0))
    assert budget.share_s("a") == 40.0
    clock.now_s += 20.0
    assert budget.share_s("b") == 50.0
    assert budget.share_s("c") == 100.0


def test_longer_scenarios_get_larger_shares(clock: Clock) -> None:
    """A scenario that needs 15 minutes beside one of 6 gets five sevenths of the time."""
    budget = Budget({"serving": 360.0, "capacity": 900.0})
    assert budget.share_s("capacity") == 900.0
    clock.now_s += 300.0
    assert budget.share_s("serving") == 960.0


def test_used_up_budget_gives_no_time(clock: Clock) -> None:
    """A scenario that takes too long reduces the shares of the others, down to 0.

    A scenario that is measured once more gets all the remaining time.
    A share of 0 still gives two launches.
    """
    budget = Budget(dict.fromkeys("abc", 40.0))
    assert budget.share_s("a") == 40.0
    clock.now_s += 90.0
    assert budget.share_s("b") == 15.0
    clock.now_s += 10.0
    assert budget.share_s("c") == 20.0
    assert budget.share_s("c") == 20.0
    clock.now_s += 500.0
    assert budget.share_s("c") == 0.0
    assert Measurement(clock, 0.0).launches(then_s=10.0) == each(2)


def test_preparation_takes_nobodys_time(clock: Clock) -> None:
    """Packages of another tree that are installed in between shorten no scenario.

    What was left out before the clock starts counts neither way.
    """
    budget = Budget(dict.fromkeys("ab", 60.0))
    budget.extend(500.0)
    assert budget.share_s("a") == 60.0
    clock.now_s += 300.0
    budget.extend(300.0)
    clock.now_s += 60.0
    assert budget.share_s("b") == 60.0
