"""Make the page of the operating curve from the recordings and the live runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from perf.config.table import Table
from perf.trust.curve import Curve, operating_curve, rival_rates
from perf.trust.draws import Draws, Plan, SideBySide, SinceBaseline
from perf.trust.outcomes import live_rows, read_live
from perf.trust.recordings import Kind, Recording, runs_of
from perf.trust.render import PINPOINT, SIDE_BY_SIDE, WITHOUT_PACE, MachinePart, Page
from perf.trust.rivals import Pinpoint

SEED = 20261127
LAUNCHES = {"epyc-zen4": 10, "epyc-zen5": 16}
"""As many as were seen to fit into six minutes side by side, by machine."""

LONGER_MIN = (12, 24)
"""Minutes for a scenario, side by side, in which more launches fit."""

_USUAL_MIN = 6
_FEWEST_LAUNCHES = min(LAUNCHES.values())  # for a machine of which it is not known


def page_of(
    recordings: Mapping[str, Sequence[Recording]],
    number: int,
    longer_min: Sequence[int] = LONGER_MIN,
) -> Page:
    """Return the page with `number` drawn runs for each point.

    `longer_min` are the minutes for a scenario that are tried beside the usual ones.
    """
    parts = [_part(name, found, number, longer_min) for name, found in recordings.items()]
    return Page(
        machines=parts,
        live=live_rows(read_live()),
        number=number,
        computed_on=f"{datetime.now(UTC):%Y-%m-%d}",
    )


def _part(
    name: str, recordings: Sequence[Recording], number: int, longer_min: Sequence[int]
) -> MachinePart:
    runs = runs_of(recordings, Kind.REFERENCE)
    beside = beside_of(name, recordings)
    ways: dict[str, Draws] = {}
    for baseline_runs in range(1, len(runs)):
        plan = replace(_plan(name, side_by_side=False), baseline_runs=baseline_runs)
        word = "run" if baseline_runs == 1 else "runs"
        ways[f"with a baseline of {baseline_runs} {word}"] = SinceBaseline(runs, plan)
    if beside.names:
        ways[SIDE_BY_SIDE] = beside
        ways[WITHOUT_PACE] = replace(beside, paced=False)
        ways[PINPOINT] = Pinpoint(beside)
    one = SinceBaseline(runs, _plan(name, side_by_side=False))
    return MachinePart(
        name=name,
        planned=beside.plan.planned,
        curves={
            how: operating_curve(draw, number=number, seed=SEED)
            for how, draw in ways.items()
            if draw.names
        },
        longer={
            minutes: _in_minutes(beside, minutes, number)
            for minutes in (longer_min if beside.names else ())
        },
        rivals=rival_rates(one, number=number, seed=SEED) if one.names else {},
        recordings=recordings,
    )


def beside_of(name: str, recordings: Sequence[Recording]) -> SideBySide:
    """Return what draws runs side by side of the machine `name`, of the usual length."""
    plan = _plan(name, side_by_side=True)
    return SideBySide(runs_of(recordings, Kind.SIDE_BY_SIDE), plan)


def _in_minutes(beside: SideBySide, minutes: int, number: int) -> Curve:
    """Return the curve with as many launches as fit into so many minutes."""
    planned = beside.plan.planned * minutes // _USUAL_MIN
    longer = replace(beside, plan=replace(beside.plan, planned=planned))
    return operating_curve(longer, number=number, seed=SEED)


def _plan(machine: str, *, side_by_side: bool) -> Plan:
    return Plan(
        planned=LAUNCHES.get(machine, _FEWEST_LAUNCHES),
        tolerances={
            row.name: row.tolerances(side_by_side=side_by_side)["throughput"]
            for row in Table.read().scenario
        },
    )
