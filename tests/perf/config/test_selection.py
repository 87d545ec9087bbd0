"""Which rows are measured: those of the families, or exactly those that are named."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from perf.config.selection import select_rows
from perf.config.table import Table
from serving.errors import ConfigError

_AMOUNTS = {
    "model": "resnet18",
    "jobs": 16,
    "block_images": 32,
    "reference_images": 6,
    "pairs": 8,
    "launches": 4,
}
_SERVED = {"arm": "served", "tolerance": 0.1}
TABLE = Table.model_validate(
    {
        "scenario": [
            {"name": "decentralized", "arm": "decentralized", "tolerance": 0.1},
            {"name": "workers-2", "workers": 2, **_SERVED},
            {"name": "other", "workers": 1, "family": "others", **_SERVED},
            {"name": "workers-8", "workers": 8, **_SERVED},
            {"name": "sweep", "workers": 1, "profiles": ["article"], **_SERVED},
        ],
        "profile": {"standard": _AMOUNTS, "article": _AMOUNTS},
    }
)


def select(
    *names: str,
    families: Sequence[str] = ("main",),
    profile: str = "standard",
    cores: int = 2,
) -> tuple[list[str], list[str]]:
    """Return the names of the rows to measure, and of the rows that are left out."""
    chosen, left_out = select_rows(
        TABLE, families=families, names=names, profile=profile, cores=cores
    )
    return [row.name for row in chosen], [row.name for row in left_out]


def test_rows_of_the_family_are_measured_or_left_out() -> None:
    """Rows that the profile does not measure on so many cores are left out.

    Both lists have the table's order. Rows of other families are in neither.
    """
    assert select() == (["decentralized", "workers-2"], ["workers-8", "sweep"])


def test_more_cores_measure_more_rows() -> None:
    """A row with eight workers is measured on eight cores."""
    chosen = ["decentralized", "workers-2", "workers-8"]
    assert select(cores=8) == (chosen, ["sweep"])


def test_article_profile_leaves_nothing_out() -> None:
    """It measures more workers than cores, and the rows that are only for it."""
    chosen = ["decentralized", "workers-2", "workers-8", "sweep"]
    assert select(profile="article") == (chosen, [])


def test_several_families_keep_the_order_of_the_table() -> None:
    """The order in which families are asked for does not matter."""
    rows = (["decentralized", "workers-2", "other"], ["workers-8", "sweep"])
    assert select(families=["main", "others"]) == rows
    assert select(families=["others", "main"]) == rows


def test_family_without_main_has_its_own_rows_only() -> None:
    """Another family does not bring the rows of `main`, not even the reference."""
    assert select(families=["others"]) == (["other"], [])


def test_named_rows_are_measured_and_no_others() -> None:
    """Rows are measured in the order of their names, from any family; none is left out."""
    assert select("other", "workers-2") == (["other", "workers-2"], [])


def test_row_that_is_named_twice_is_measured_once() -> None:
    """A repeated name changes nothing."""
    assert select("other", "workers-2", "other") == (["other", "workers-2"], [])


@pytest.mark.parametrize("name", ["workers-8", "sweep"])
def test_named_row_that_the_profile_does_not_measure_is_refused(name: str) -> None:
    """The message names the option, the row, the profile, the cores and a way out."""
    with pytest.raises(ConfigError) as caught:
        select("workers-2", name)
    assert str(caught.value) == (
        f"--perf-scenario {name}: profile standard does not measure it on 2 cores; "
        "--perf-profile article does"
    )


def test_unknown_row_is_refused() -> None:
    """The message names the option and the known rows."""
    with pytest.raises(
        ConfigError, match=r"^--perf-scenario nothing: .*decentralized, workers-2, other"
    ):
        select("workers-2", "nothing")


@pytest.mark.parametrize("names", [(), ("workers-2",)])
def test_unknown_family_is_refused(names: tuple[str, ...]) -> None:
    """The message names the option and the known families, also where rows are named."""
    with pytest.raises(ConfigError) as caught:
        select(*names, families=["main", "nothing"])
    assert str(caught.value) == (
        "--perf-family nothing: no such family; known: main, others"
    )
