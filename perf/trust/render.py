"""The operating curve as a page and as a plot. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pygal
from tabulate import tabulate

from perf.stats.rule import PASS_ALPHA, RUN_ALPHA
from perf.trust.curve import LOSSES, OURS, Curve, Rate
from perf.trust.livecurve import LiveRow
from perf.trust.recordings import Recording
from perf.trust.resample import Plan
from perf.trust.rivals import RIVALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What live runs came to; nothing where there is none."""

    rows: Sequence[LiveRow] = ()
    alarms: Rate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Longer:
    """How often a loss is called regressed where more launches are allowed."""

    planned: int
    power: Mapping[tuple[str, float], Rate]


_NO_LIVE = Live()


def markdown(  # noqa: PLR0913 -- all that the page shows
    curve: Curve,
    recordings: Sequence[Recording],
    plan: Plan,
    number: int,
    drawn_on: str,
    *,
    live: Live = _NO_LIVE,
    longer: Longer | None = None,
) -> str:
    """Return the page, with a newline at its end."""
    names = sorted({name for name, _ in curve.power})
    drawn = (
        f"Drawn on {drawn_on}: {number:,} runs a point, of {plan.planned} launches at "
        f"most, against baselines of {_baseline(plan)}, "
        f"{_tolerances(names, plan)}; every rate with its 95 % interval (Wilson). See "
        "[docs/method.md](../../docs/method.md) for the rule. `tox -e trust` draws it anew."
    )
    alarms = (
        f"**False alarms**: in {curve.alarms} of the runs in which nothing had changed "
        f"some scenario was called regressed (at most {RUN_ALPHA:.0%} is meant)."
    )
    beside = (
        "Without a change: the share of runs with any false alarm. Else: the share of "
        "slowed scenarios that are called slower. The other rules see one run against "
        "another, both at full length."
    )
    return "\n\n".join(
        [
            "# How often the gate errs",
            drawn,
            alarms,
            "## Called regressed, by how much slower the scenario is",
            _table(names, lambda name, loss: str(curve.power[name, loss])),
            "## Called unchanged or improved",
            f"At the edge of the tolerance at most {PASS_ALPHA:.1%} is meant.",
            _table(names, lambda name, loss: str(curve.passed[name, loss])),
            "## Launches until the verdict, median",
            _table(names, lambda name, loss: f"{curve.launches[name, loss]:g}"),
            *_longer(longer, names),
            "## Beside other rules, on the same blocks",
            beside,
            _table([OURS, *RIVALS], lambda name, loss: _side_by_side(curve, name, loss)),
            *_live(live),
            "## Recordings",
            f"{_recordings(recordings)}\n",
        ]
    )


def _baseline(plan: Plan) -> str:
    if plan.baseline_runs == 1:
        return f"{plan.baseline_launches} launches"
    return f"{plan.baseline_runs} runs of {plan.baseline_launches} launches"


def _longer(longer: Longer | None, names: Sequence[str]) -> list[str]:
    if longer is None:
        return []
    return [
        f"## Called regressed, where it may take {longer.planned} launches",
        "About as many minutes a scenario, see `--perf-budget`.",
        _table(names, lambda name, loss: str(longer.power[name, loss])),
    ]


def _tolerances(names: Sequence[str], plan: Plan) -> str:
    """Return the tolerance, or each scenario's where they differ."""
    each = {name: plan.rule(name, 1).tolerance for name in names}
    if len(set(each.values())) == 1:
        return f"tolerance {each[names[0]]:.0%}"
    told = ", ".join(f"{name} {tolerance:.0%}" for name, tolerance in each.items())
    return f"tolerances {told}"


def plot(curve: Curve) -> bytes:
    """Return an SVG: the share called slower over the loss, for every rule."""
    chart = pygal.XY(
        title="Called slower, by how much slower it is",
        x_title="loss of throughput, per cent",
        y_title="called slower, per cent",
        range=(0, 100),
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        js=[],
    )
    for name in sorted({name for name, _ in curve.power}):
        points = [(100 * x, 100 * curve.power[name, x].share) for x in LOSSES]
        chart.add(f"{OURS}: {name}", points)
    for name in RIVALS:
        points = [(100 * x, 100 * curve.rivals[name, x].share) for x in LOSSES]
        chart.add(name, points, stroke_style={"dasharray": "4, 4"})
    drawn: bytes = chart.render()
    return drawn


def _table(names: Sequence[str], cell: Callable[[str, float], str]) -> str:
    rows = [[name, *(cell(name, loss) for loss in LOSSES)] for name in names]
    heads = ["", *(f"{loss:.0%}" for loss in LOSSES)]
    return tabulate(rows, headers=heads, tablefmt="pipe", disable_numparse=True)


def _live(live: Live) -> list[str]:
    """Return the part on live runs; nothing where there is none."""
    if not live.alarms:
        return []
    explained = (
        f"ResNet-18, process runtime, every loss computed away inside the server: in "
        f"{live.alarms} of {live.alarms.drawn} runs without a loss some scenario was "
        "called regressed. More is lost than is computed away, for that takes time from "
        "jobs and harness too. *Divided* is what the rule says of the same runs without "
        "a loss, their throughputs divided by what was lost: the two should agree."
    )
    verdicts = sorted({verdict for row in live.rows for verdict in row.verdicts})
    rows = [
        [
            f"{row.loss:.0%}",
            row.scenario or "all",
            *(row.verdicts.get(verdict, 0) for verdict in verdicts),
            str(row.regressed),
            str(row.divided or ""),
            "" if row.loss_seen is None else f"{row.loss_seen:.1%}",
        ]
        for row in live.rows
    ]
    heads = ["loss", "scenario", *(verdict.value for verdict in verdicts)]
    heads += ["called regressed", "divided", "mean loss seen"]
    table = tabulate(rows, headers=heads, tablefmt="pipe", disable_numparse=True)
    return ["## Live", explained, table]


def _side_by_side(curve: Curve, name: str, loss: float) -> str:
    if name != OURS:
        return str(curve.rivals[name, loss])
    if loss == 0.0:
        return str(curve.alarms)
    rates = [rate for (_, at), rate in curve.power.items() if at == loss]
    hits, drawn = sum(r.hits for r in rates), sum(r.drawn for r in rates)
    return str(Rate(hits, drawn))


def _recordings(recordings: Sequence[Recording]) -> str:
    rows = [
        [
            one.recorded[:16],
            one.runtime,
            one.model,
            one.machine["class"],
            one.machine["CPU"],
            "quiet" if one.quiet else "busy",
            sum(len({p.launch for p in pairs}) for pairs in one.scenarios.values()),
            sum(len(pairs) for pairs in one.scenarios.values()),
        ]
        for one in recordings
    ]
    heads = ["recorded", "runtime", "model", "machine class", "CPU", "machine"]
    heads += ["launches", "pairs"]
    return tabulate(rows, headers=heads, tablefmt="pipe", disable_numparse=True)
