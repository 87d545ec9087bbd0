"""How the time of a run is shared among its scenarios."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perf.config.settings import Settings
from tests.perf.judge.test_identity import settings


def _settings(
    *, profile_min: int | None, budget_s: float | None = None, amounts_asked: bool = False
) -> Settings:
    usual = settings()
    searches_min = profile_min and 15
    minutes = {"budget_min": profile_min, "capacity_budget_min": searches_min}
    profile = usual.profile.model_copy(update=minutes)
    return replace(usual, profile=profile, budget_s=budget_s, amounts_asked=amounts_asked)


def _budgets_s(made: Settings, *names: str) -> dict[str, float]:
    return made.budgets_s([row for row in made.scenarios if row.name in names])


@pytest.mark.parametrize(
    ("budget_s", "amounts_asked", "profile_min", "expected_s"),
    [
        (None, False, None, None),
        (None, False, 12, 720.0),
        (30.0, False, None, 30.0),
        (30.0, False, 12, 30.0),
        (None, True, 12, None),
        (120.0, True, 12, 120.0),
    ],
)
def test_users_budget_comes_before_the_profiles(
    budget_s: float | None,
    profile_min: int | None,
    expected_s: float | None,
    *,
    amounts_asked: bool,
) -> None:
    """`--perf-budget` always applies.

    The profile's budget applies only where no amount (total, pairs, launches) is given.
    """
    made = _settings(
        profile_min=profile_min, budget_s=budget_s, amounts_asked=amounts_asked
    )
    expected = {} if expected_s is None else {"serving-batch": expected_s}
    assert _budgets_s(made, "serving-batch") == expected


def test_a_row_that_seeks_its_capacity_has_minutes_of_its_own() -> None:
    """The time that the user gives is shared in the same proportion."""
    names = ("serving-batch", "serving-single", "capacity-batch")
    usual = _budgets_s(_settings(profile_min=6), *names)
    assert usual == dict(
        zip(sorted(names, key=list(usual).index), (360, 360, 900), strict=True)
    )
    half = _budgets_s(_settings(profile_min=6, budget_s=810.0), *names)
    assert half == {name: each_s / 2.0 for name, each_s in usual.items()}


def test_without_a_profiles_budget_the_users_is_shared_equally() -> None:
    """A profile that counts launches says nothing of how long a row takes."""
    made = _settings(profile_min=None, budget_s=90.0)
    assert _budgets_s(made, "serving-batch", "capacity-batch") == {
        "serving-batch": 45.0,
        "capacity-batch": 45.0,
    }
