"""The page TREND.md: how often the change points of the trend are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tabulate import tabulate

from perf.stats.change_points import FEWEST_RUNS, LEVEL, SMALLEST
from perf.trust.curve import Rate
from perf.trust.histories import (
    LENGTHS,
    NOISES,
    RUN_SD,
    STEPPED,
    Found,
    alarms_in,
    false_alarms,
    found_losses,
    nightly_alarms,
)
from perf.trust.recorded_histories import across_runs, with_pace, within_runs, without_pace

SEED = 20261127
_NIGHTS = 60
_NIGHTLY = 4  # so many times fewer histories: each of them is searched every night


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPage:
    """All that the page shows."""

    number: int
    """How many histories were drawn for each rate but the nightly ones."""

    computed_on: str
    alarms: Mapping[str, Sequence[Rate]]
    """By noise, one for each length."""

    nightly: Mapping[str, Rate]
    """By noise, from fewer histories."""

    losses: Sequence[Found]

    recorded: Mapping[str, tuple[int, int, Rate]]
    """By what the histories are: the fewest and the most launches, and the rate."""


def compute(number: int) -> TrendPage:
    """Return the page, with `number` drawn histories for each rate; it takes minutes.

    For the nightly rates it draws a quarter of them.
    """
    paced, older = with_pace(), without_pace()
    recorded = {
        "with pace, each run alone": within_runs(paced),
        "with pace, all runs of a machine": across_runs(paced),
        "without pace, each run alone": within_runs(older),
        "without pace, all runs of a machine": across_runs(older),
    }
    return TrendPage(
        number=number,
        computed_on=f"{datetime.now(UTC):%Y-%m-%d}",
        alarms={
            name: [false_alarms(draw, length, number, SEED) for length in LENGTHS]
            for name, draw in NOISES.items()
        },
        nightly={
            name: nightly_alarms(draw, _NIGHTS, _nightly_number(number), SEED)
            for name, draw in NOISES.items()
        },
        losses=[row for name in NOISES for row in found_losses(name, number, SEED)],
        recorded={
            what: (min(map(len, found)), max(map(len, found)), alarms_in(found, SEED))
            for what, found in recorded.items()
            if found
        },
    )


def _nightly_number(number: int) -> int:
    return max(1, number // _NIGHTLY)


def markdown(page: TrendPage) -> str:
    """Return the page, with a newline at its end."""
    parts = [
        "# How often a change of the trend is wrong",
        (
            f"Computed on {page.computed_on} from {page.number:,} drawn histories for each "
            f"rate; for *any of {_NIGHTS} nights* from {_nightly_number(page.number):,}. "
            f"A run of unchanged code has a deviation of {RUN_SD:.0%}. Every rate "
            "has its 95 % interval (Wilson). [docs/trend.md](../../docs/trend.md) "
            f"describes the method: level {LEVEL:.0%}, changes of at least "
            f"{SMALLEST:.0%}, at least {FEWEST_RUNS} runs between two changes. `tox -e "
            "trust -- --histories` computes this page again."
        ),
        "## Unchanged code, simulated",
        (
            "Share of histories in which a change is found though there is none: on the "
            f"last night, by the number of runs, and on any of {_NIGHTS} nights, if the "
            "page is drawn anew every night. *Correlation* is that of a run with the run "
            "before."
        ),
        _alarms(page),
        "## Unchanged code, recorded",
        (
            "The same for [recorded runs](recordings/README.md), baselines and live runs, "
            "where a launch stands for a night. *All runs of a machine* are joined in the "
            "order of time; the code of the suite changed between them, so some of these "
            "changes may be real."
        ),
        _recorded(page),
        "## Losses, simulated",
        (
            f"Share of histories of {STEPPED} runs in which a loss is found at most two "
            "runs from its place, and exactly there, by the number of runs after it."
        ),
        _losses(page),
    ]
    return "\n\n".join(parts) + "\n"


def _alarms(page: TrendPage) -> str:
    rows = [
        [name, *map(str, rates), str(page.nightly[name])]
        for name, rates in page.alarms.items()
    ]
    lengths = [f"{length} runs" for length in LENGTHS]
    return _table(["noise", *lengths, f"any of {_NIGHTS} nights"], rows)


def _recorded(page: TrendPage) -> str:
    rows = [
        [what, str(rate.total), f"{fewest} to {most}", str(rate.hits), str(rate)]
        for what, (fewest, most, rate) in page.recorded.items()
    ]
    return _table(["histories", "number", "launches", "with a change", "share"], rows)


def _losses(page: TrendPage) -> str:
    rows = [
        [one.noise, f"{one.loss:.0%}", str(one.after), str(one.found), str(one.exact)]
        for one in page.losses
    ]
    return _table(["noise", "loss", "runs after it", "found", "at its place"], rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return tabulate(rows, headers=heads, tablefmt="pipe", disable_numparse=True)
