"""The operating curve as a page in Markdown, and as a plot. This module is pure."""

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
    """The results of live runs; empty where there are none."""

    rows: Sequence[LiveRow] = ()

    alarms: Rate | None = None
    """The share of runs without a loss in which some scenario was called regressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Longer:
    """How often a slower scenario is called regressed if more launches are allowed."""

    planned: int
    """The most launches of a run."""

    power: Mapping[tuple[str, float], Rate]
    """As `Curve.power`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the page shows."""

    curve: Curve
    recordings: Sequence[Recording]

    plan: Plan
    """How the runs were resampled and judged."""

    number: int
    """How many runs were resampled for each point."""

    computed_on: str
    """The date, such as 2026-11-26."""

    live: Live = Live()
    longer: Longer | None = None

    @property
    def names(self) -> list[str]:
        """The scenarios of the curve."""
        return sorted({name for name, _ in self.curve.power})


def markdown(page: Page) -> str:
    """Return the page, with a newline at its end."""
    curve, names = page.curve, page.names
    parts = [
        "# How often the gate errs",
        *_introduction(page),
        "## How often a slower scenario is called regressed",
        "The columns are losses of throughput; 0% is no change.",
        _table(names, lambda name, loss: str(curve.power[name, loss])),
        "## How often a slower scenario is called unchanged or improved",
        f"For a loss as large as the tolerance, at most {PASS_ALPHA:.1%} is allowed.",
        _table(names, lambda name, loss: str(curve.passed[name, loss])),
        "## Launches until the verdict (median)",
        _table(names, lambda name, loss: f"{curve.launches[name, loss]:g}"),
        *_longer(page.longer, names),
        *_other_rules(curve),
        *_live(page.live),
        "## Recordings",
        _recordings(page.recordings),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction(page: Page) -> list[str]:
    plan = page.plan
    computed = (
        f"Computed on {page.computed_on} from {page.number:,} resampled runs for each "
        f"point. A run has at most {plan.planned} launches, its baseline "
        f"{_baseline(plan)}. {_tolerances(page.names, plan)}. Every rate has its 95 % "
        "interval (Wilson). [docs/method.md](../../docs/method.md) describes the rule. "
        "`tox -e trust` computes this page again."
    )
    resampled = (
        "The launches of a resampled run are drawn at random from one recorded run, those "
        "of its baseline from another. To simulate a loss, the scenario's throughputs are "
        "reduced."
    )
    alarms = (
        f"**False alarms**: in {page.curve.alarms} of the runs without a change, some "
        f"scenario was called regressed (limit {RUN_ALPHA:.0%})."
    )
    return [computed, resampled, alarms]


def _baseline(plan: Plan) -> str:
    if plan.baseline_runs == 1:
        return f"{plan.baseline_launches} launches"
    return f"{plan.baseline_runs} runs of {plan.baseline_launches} launches"


def _tolerances(names: Sequence[str], plan: Plan) -> str:
    """Return the tolerance of all scenarios, or of each where they differ."""
    each = {name: plan.rule(name, 1).tolerance for name in names}
    if len(set(each.values())) == 1:
        return f"The tolerance is {each[names[0]]:.0%}"
    listed = ", ".join(f"{name} {tolerance:.0%}" for name, tolerance in each.items())
    return f"The tolerances are: {listed}"


def _longer(longer: Longer | None, names: Sequence[str]) -> list[str]:
    if longer is None:
        return []
    allowed = (
        f"How often a slower scenario is called regressed if {longer.planned} launches are "
        f"allowed. They take about {longer.planned} minutes for a scenario; see "
        "`--perf-budget`."
    )
    return [
        f"## The same with up to {longer.planned} launches",
        allowed,
        _table(names, lambda name, loss: str(longer.power[name, loss])),
    ]


def _other_rules(curve: Curve) -> list[str]:
    explained = (
        "The column 0% is the share of runs without a change in which any scenario is "
        "called slower. The other columns are the share of slower scenarios that are "
        "called slower. The other rules compare one run with one other run, both with all "
        "planned launches."
    )
    return [
        "## The rules of other tools, on the same blocks",
        explained,
        _table([OURS, *RIVALS], lambda name, loss: str(_rate_of(curve, name, loss))),
    ]


def _rate_of(curve: Curve, rule: str, loss: float) -> Rate:
    """Return how often a rule calls scenarios slower, over all scenarios."""
    if rule != OURS:
        return curve.rivals[rule, loss]
    if loss == 0.0:
        return curve.alarms
    rates = [rate for (_, at), rate in curve.power.items() if at == loss]
    return Rate(sum(rate.hits for rate in rates), sum(rate.total for rate in rates))


def _live(live: Live) -> list[str]:
    """Return the part on live runs; empty where there are none."""
    if not live.alarms:
        return []
    explained = (
        "Here the servers were really slower: they spent CPU time before each batch "
        f"(ResNet-18, process runtime). In {live.alarms} of the {live.alarms.total} runs "
        "without a loss, some scenario was called regressed. The injected delay also slows "
        "the jobs and the harness, so the measured loss is larger than the intended one. "
        "For *simulated*, the runs without a loss are judged again, with their throughputs "
        "reduced by the measured loss. It should agree with *called regressed*."
    )
    verdicts = sorted({verdict for row in live.rows for verdict in row.verdicts})
    rows = [
        [
            f"{row.loss:.0%}",
            row.scenario or "all",
            *(row.verdicts.get(verdict, 0) for verdict in verdicts),
            str(row.regressed),
            str(row.simulated or ""),
            "" if row.measured_loss is None else f"{row.measured_loss:.1%}",
        ]
        for row in live.rows
    ]
    heads = ["intended loss", "scenario", *(verdict.value for verdict in verdicts)]
    heads += ["called regressed", "simulated", "measured loss"]
    return ["## Live runs", explained, _pipe(heads, rows)]


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
    return _pipe(heads, rows)


def _table(names: Sequence[str], cell: Callable[[str, float], str]) -> str:
    rows = [[name, *(cell(name, loss) for loss in LOSSES)] for name in names]
    return _pipe(["", *(f"{loss:.0%}" for loss in LOSSES)], rows)


def _pipe(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return tabulate(rows, headers=heads, tablefmt="pipe", disable_numparse=True)


def plot(curve: Curve) -> bytes:
    """Return an SVG: how often each rule calls a scenario slower, over the loss."""
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
    image: bytes = chart.render()
    return image
