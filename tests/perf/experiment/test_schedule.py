"""How many launches a scenario has: as planned, as fit a budget, or until it is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from types import SimpleNamespace
from typing import cast

import pytest

from fixtures.settings import _budget_s, _Options
from perf.config.profile import Profile
from perf.config.table import Table
from perf.experiment.lab import Lab
from perf.experiment.scenario_run import ScenarioRun
from perf.experiment.schedule import Budget, Course
from perf.stats import Pair
from tests.support.fakes import IDENTITY
from tests.support.suite import fresh_suite, tiny_model

STANDARD = Profile(
    model="resnet152",
    jobs=16,
    block_images=32,
    reference_images=6,
    pairs=16,
    launches=4,
)


class Clock:
    """Stands in for the module `time`: it goes on only when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        """Return the time that it was told."""
        return self.now_s


@dataclass
class Measurement:
    """A course that is followed as a pairing follows it; every pair is the same.

    `asked` are the questions whether the evidence suffices: the launches of each pair so
    far, and how many launches were planned then.
    """

    clock: Clock
    budget_s: float | None = None
    profile: Profile = STANDARD
    decided: Callable[[int], bool] = lambda _: False
    asked: list[tuple[list[int], int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin the course."""
        self.begun_s = self.clock.now_s
        self.course = Course(
            profile=self.profile,
            budget_s=self.budget_s,
            decided=self._decided,
            _begun_s=self.begun_s,
        )

    def launches(self, *first_s: float, then_s: float = 0.0) -> list[int]:
        """Return the launch of every pair, where the launches take so long."""
        lengths_s: Iterator[float] = chain(first_s, repeat(then_s))
        pairs: list[Pair] = []
        launch = -1
        while len(pairs) < self.course.most_pairs:
            if len(pairs) in self.course.launches_before():
                if pairs and self.course.enough(pairs):
                    break
                launch += 1
                self.clock.now_s += next(lengths_s)
            pairs.append(Pair(1.0, 1.0, launch))
        return [pair.launch for pair in pairs]

    @property
    def taken_s(self) -> float:
        """How long it took."""
        return self.clock.now_s - self.begun_s

    def _decided(self, pairs: Sequence[Pair], planned: int) -> bool:
        launches = [pair.launch for pair in pairs]
        self.asked.append((launches, planned))
        return self.decided(len(set(launches)))


def each(launches: int, pairs: int = 4) -> list[int]:
    """Return the launch of every pair of so many launches with so many pairs each."""
    return [launch for launch in range(launches) for _ in range(pairs)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time, as a course sees it."""
    made = Clock()
    monkeypatch.setattr("perf.experiment.schedule.time", made)
    return made


@pytest.mark.parametrize("launch_s", [0.0, 10.0, 1e6])
def test_without_a_budget_the_profile_decides(clock: Clock, launch_s: float) -> None:
    """All its launches are measured, however long they take."""
    measured = Measurement(clock)
    assert measured.launches(then_s=launch_s) == each(4)
    assert measured.course.planned == 4


def test_a_profile_whose_launches_are_uneven_keeps_its_pairs(clock: Clock) -> None:
    """Without a budget there are as many pairs as it says, shared as evenly as can be."""
    profile = STANDARD.model_copy(update={"pairs": 5, "launches": 2})
    assert Measurement(clock, profile=profile).launches() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("budget_s", "launches"),
    [(0.001, 2), (9.0, 2), (29.0, 2), (31.0, 3), (45.0, 4), (65.0, 6), (109.0, 10)],
)
def test_a_budget_holds_as_many_launches_as_fit(
    clock: Clock, budget_s: float, launches: int
) -> None:
    """Fewer than the profile plans, or more, but two at least: one has no spread."""
    measured = Measurement(clock, budget_s)
    assert measured.launches(then_s=10.0) == each(launches)
    assert measured.course.planned == launches
    assert measured.taken_s <= max(budget_s, 20.0)


def test_the_mean_length_decides_what_fits(clock: Clock) -> None:
    """A slow first launch is weighed with those that follow, and a slow one later too."""
    # After one launch two fit, of 30 s; after two of 20 s on average three do.
    slow_first = Measurement(clock, 61.0)
    assert slow_first.launches(30.0, then_s=10.0) == each(3)
    slow_later = Measurement(clock, 61.0)
    assert slow_later.launches(10.0, 10.0, 30.0, then_s=10.0) == each(3)


@pytest.mark.parametrize("pairs", [4, 5])
def test_every_launch_of_a_budget_is_whole(clock: Clock, pairs: int) -> None:
    """A launch has as many pairs as the profile's have, and the most where those differ."""
    profile = STANDARD.model_copy(update={"pairs": pairs, "launches": 2})
    measured = Measurement(clock, 55.0, profile)
    assert measured.launches(then_s=10.0) == each(5, pairs=(pairs + 1) // 2)


def test_a_profile_of_one_launch_has_two_with_a_budget(clock: Clock) -> None:
    """Where there is a budget there is a spread of launches, also of a small profile."""
    profile = STANDARD.model_copy(update={"pairs": 4, "launches": 1})
    assert Measurement(clock, 1.0, profile).launches(then_s=10.0) == each(2)
    assert Measurement(clock, None, profile).launches(then_s=10.0) == each(1)


def test_a_vast_budget_comes_to_an_end(clock: Clock) -> None:
    """There is a most of launches, of which pytest-benchmark must know beforehand."""
    measured = Measurement(clock, 1e9)
    found = measured.launches(then_s=1.0)
    assert len(found) == measured.course.most_pairs
    assert found == each(64)


@pytest.mark.parametrize("budget_s", [None, 1e6])
@pytest.mark.parametrize("enough", [2, 3])
def test_what_is_decided_ends_early(
    clock: Clock, budget_s: float | None, enough: int
) -> None:
    """No launch is begun after the one that decided, with a budget or without."""
    measured = Measurement(clock, budget_s, decided=lambda launches: launches >= enough)
    assert measured.launches(then_s=10.0) == each(enough)


@pytest.mark.parametrize("budget_s", [None, 45.0])
def test_it_is_asked_after_each_launch_from_the_second_on(
    clock: Clock, budget_s: float | None
) -> None:
    """As the rule reckons: not after the first of several, and with what is planned."""
    measured = Measurement(clock, budget_s)
    measured.launches(then_s=10.0)
    assert measured.asked == [(each(2), 4), (each(3), 4)]


def test_one_launch_decides_nothing(clock: Clock) -> None:
    """What is certain after the first launch still needs a second."""
    measured = Measurement(clock, decided=lambda _: True)
    assert measured.launches() == each(2)


def test_the_plan_is_what_fits_now(clock: Clock) -> None:
    """Each question comes with the launches planned then, never fewer than were made."""
    measured = Measurement(clock, 61.0)
    assert measured.launches(10.0, 10.0, 10.0, then_s=40.0) == each(4)
    assert [planned for _, planned in measured.asked] == [6, 6]
    assert measured.course.planned == 4


def test_a_budget_is_shared_equally(clock: Clock) -> None:
    """Scenarios that use all of their shares have the same, from the first one's start."""
    budget = Budget(120.0, 4)
    clock.now_s += 500.0  # what was built before the first of them
    shares_s = []
    for _ in range(4):
        shares_s.append(budget.share_s())
        clock.now_s += shares_s[-1]
    assert shares_s == [30.0] * 4


def test_what_one_scenario_leaves_the_others_may_use(clock: Clock) -> None:
    """Time that is left is shared among those to come; the last has all of it."""
    budget = Budget(120.0, 3)
    assert budget.share_s() == 40.0
    clock.now_s += 20.0
    assert budget.share_s() == 50.0
    assert budget.share_s() == 100.0


def test_a_budget_that_is_used_up_gives_nothing(clock: Clock) -> None:
    """A scenario that takes too long takes it from the others, and never less than all.

    More scenarios than were counted have what is left.
    """
    budget = Budget(120.0, 3)
    assert budget.share_s() == 40.0
    clock.now_s += 90.0
    assert budget.share_s() == 15.0
    clock.now_s += 10.0
    assert budget.share_s() == 20.0
    assert budget.share_s() == 20.0
    clock.now_s += 500.0
    assert budget.share_s() == 0.0
    assert Measurement(clock, 0.0).launches(then_s=10.0) == each(2)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("asked", "baseline", "complete", "share_s"),
    [
        (False, True, False, 60.0),
        (False, True, True, None),
        (False, False, False, None),
        (True, True, False, 60.0),
        (True, True, True, 60.0),
        (True, False, False, 60.0),
    ],
)
def test_a_profiles_budget_is_for_verdicts(
    *, asked: bool, baseline: bool, complete: bool, share_s: float | None
) -> None:
    """Without a baseline, or to make one, launches count; a user's budget is for all."""
    found = (object(), "") if baseline else (None, "no baseline")
    lab = SimpleNamespace(
        settings=SimpleNamespace(budget_asked=asked),
        budget=Budget(60.0, 1),
        store=SimpleNamespace(find=lambda *_: found),
    )
    run = ScenarioRun(cast("Lab", lab), Table.read().scenario[0], complete)
    assert run._budget_s(IDENTITY) == share_s


@pytest.mark.parametrize(
    ("options", "profile_min", "budget_s"),
    [
        ({}, None, None),
        ({}, 12, 720.0),
        ({"budget": 0.5}, None, 30.0),
        ({"budget": 0.5}, 12, 30.0),
        ({"launches": 4}, 12, None),
        ({"pairs": 4}, 12, None),
        ({"total": 64}, 12, None),
        ({"launches": 4, "budget": 2.0}, 12, 120.0),
    ],
)
def test_whose_budget_it_is(
    options: dict[str, float], profile_min: int | None, budget_s: float | None
) -> None:
    """The user's comes first; the profile's holds where no amount is asked for."""
    profile = STANDARD.model_copy(update={"budget_min": profile_min})
    option = SimpleNamespace(decimal=options.get, number=options.get)
    assert _budget_s(cast("_Options", option), profile) == budget_s


def test_a_real_run_keeps_to_a_budget() -> None:
    """However short it is, two launches are measured and reported, and nothing fails."""
    chosen = ("--perf-scenario", "decentralized", "-k", "throughput", "--perf-pairs", "1")
    with fresh_suite() as suite:
        run = suite.run("--perf-model", tiny_model(), *chosen, "--perf-budget", "0.0001")
        assert run.summary is not None, run.output
        pairs = run.row("decentralized")["pairs"]
    assert [pair["launch"] for pair in pairs] == [0, 1]
    assert "Traceback" not in run.output
