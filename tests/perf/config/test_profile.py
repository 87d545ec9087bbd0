"""A profile has the documented amounts and spreads its pairs evenly over the launches."""

from __future__ import annotations

import pytest

from perf.config.profile import Profile
from perf.config.table import Table


def test_profile_has_the_documented_amounts() -> None:
    """A profile has these fields, and by default no budget."""
    assert set(Profile.model_fields) == {
        "model",
        "jobs",
        "block_images",
        "reference_images",
        "pairs",
        "launches",
        "budget_min",
        "capacity_launches",
        "capacity_budget_min",
    }
    assert Profile.model_fields["budget_min"].default is None


def test_a_search_has_a_launch_of_its_own() -> None:
    """What the profile leaves out for searches is as for other rows."""
    profile = Table.read().profile["standard"]
    searches = profile.for_searches()
    assert (searches.pairs, searches.launches, searches.budget_min) == (2, 2, 15)
    usual = profile.model_copy(
        update={"capacity_launches": None, "capacity_budget_min": None}
    ).for_searches()
    assert (usual.pairs, usual.launches) == (profile.launches, profile.launches)
    assert usual.budget_min == profile.budget_min


@pytest.mark.parametrize(
    ("pairs", "launches", "asked", "expected"),
    [(4, 1, False, 2), (4, 1, True, 2), (1, 1, True, 1), (20, 10, True, 10)],
)
def test_a_capacity_has_a_verdict_and_the_users_launches(
    pairs: int, launches: int, *, asked: bool, expected: int
) -> None:
    """There are two searches, because a spread needs two, unless one pair is asked for."""
    profile = (
        Table.read()
        .profile["standard"]
        .model_copy(
            update={"pairs": pairs, "launches": launches, "capacity_launches": None}
        )
    )
    searches = profile.for_searches(asked=asked)
    assert (searches.pairs, searches.launches) == (expected, expected)


@pytest.mark.parametrize(
    ("pairs", "launches", "expected"),
    [
        (12, 2, {0, 6}),
        (16, 4, {0, 4, 8, 12}),
        (12, 5, {0, 3, 5, 8, 10}),
        (4, 1, {0}),
        (3, 3, {0, 1, 2}),
    ],
)
def test_launches_share_the_pairs_evenly(
    pairs: int, launches: int, expected: set[int]
) -> None:
    """Exactly `launches` launches begin, and each has at least one pair."""
    profile = Table.read().profile["standard"]
    changed = profile.model_copy(update={"pairs": pairs, "launches": launches})
    assert changed.launches_before() == expected
