"""The options become a budget, and none of them is left unread."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from fixtures.options import add_options
from perf.config.options import Options, argument
from perf.config.profile import Profile
from perf.config.reading import _budget_s, read_settings
from perf.config.scenario import Scenario
from perf.config.table import Table

PROFILE = Profile(
    model="resnet152",
    jobs=16,
    block_images=32,
    reference_images=6,
    pairs=16,
    launches=4,
)


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
def test_users_budget_comes_before_the_profiles(
    options: dict[str, float], profile_min: int | None, budget_s: float | None
) -> None:
    """`--perf-budget` always applies.

    The profile's budget applies only where no amount (total, pairs, launches) is given.
    """
    profile = PROFILE.model_copy(update={"budget_min": profile_min})
    assert _budget_s(Options(options), profile, _rows("serving-batch")) == budget_s


def test_profiles_budget_is_for_each_scenario() -> None:
    """Three rows get three times the profile's minutes; the user's are for all.

    A row that seeks its capacity has minutes of its own.
    """
    profile = PROFILE.model_copy(update={"budget_min": 6, "capacity_budget_min": 15})
    rows = _rows("serving-batch", "serving-single", "capacity-batch")
    assert _budget_s(Options({}), profile, rows) == 60.0 * (6 + 6 + 15)
    assert _budget_s(Options({"budget": 6.0}), profile, rows) == 360.0


def _rows(*names: str) -> list[Scenario]:
    table = Table.read()
    return [table.find(name) for name in names]


class _Group:
    """Stands in for pytest's parser and its group, and keeps the names of the options."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def getgroup(self, _name: str) -> _Group:
        return self

    def addoption(self, _flag: str, *, dest: str, **_more: object) -> None:
        self.names.append(dest.removeprefix("perf_"))


# A value that each option may have, where 1 will not do.
_VALUES: dict[str, object] = {
    "profile": "smoke",
    "family": [],
    "model": "resnet18",
    "weights": "seeded",
    "runtime": "process",
    "device": "cpu",
    "confirm": "never",
    "against": "v1.4",
    "sweep": "torchserve",
    "arrivals": "poisson",
    "budget": 0.5,
    "docker_cpus": 1.5,
    **dict.fromkeys(("limits", "require_baseline"), True),
    **dict.fromkeys(("cache", "reports", "docker_base", "docker_memory"), "x"),
    "port": 8080,
}


@pytest.mark.parametrize("row", ["decentralized", "serving-batch"])
def test_every_option_is_read(row: str, tmp_path: Path) -> None:
    """Whatever the row, the reader knows each option that the suite has.

    A run side by side is refused where the other tree does not know an option.
    """
    (tmp_path / "one.jpg").touch()
    group = _Group()
    add_options(cast("pytest.Parser", group))
    folders = {"images": str(tmp_path), "docker_wheels": str(tmp_path)}
    known = {**dict.fromkeys(group.names, 1), **_VALUES, **folders, "scenario": [row]}
    options = Options(known)
    assert set(options.unknown) == {argument(name) for name in known if known[name]}
    settings = read_settings(options, tmp_path)
    assert options.unknown == ()
    assert [one.name for one in settings.scenarios] == [row]
    newer = Options({**known, "newer": "x"})
    read_settings(newer, tmp_path)
    assert newer.unknown == ("--perf-newer",)
