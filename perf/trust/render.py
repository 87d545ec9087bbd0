"""The operating curve as a page in Markdown, and as a plot. This module is pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pygal

from perf.stats import THROUGHPUT
from perf.stats.rule import RUN_ALPHA
from perf.trust.curve import LOSSES, Curve, Rate
from perf.trust.outcomes import LiveRow
from perf.trust.recordings import Recording
from perf.trust.render_live import RECORDINGS, live_part
from perf.trust.rivals import RIVALS
from perf.trust.tables import blocks, pipe

SIDE_BY_SIDE = "side by side"
WITHOUT_PACE = "side by side, without pace"
PINPOINT = "side by side, by Pinpoint's rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePart:
    """What the page shows of one machine."""

    name: str

    planned: int
    """The most launches of a drawn run."""

    curves: Mapping[str, Curve]
    """By the way of comparing, such as `side by side`."""

    longer: Mapping[int, Curve]
    """Side by side with more time, by minutes; empty where nothing was recorded so."""

    rivals: Mapping[tuple[str, float], Rate]
    """By (rule, loss); empty where there are too few recordings."""

    recordings: Sequence[Recording]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the page shows."""

    machines: Sequence[MachinePart]
    live: Sequence[LiveRow]

    number: int
    """How many runs were drawn for each point."""

    computed_on: str
    """The date, such as 2026-11-26."""


def markdown(page: Page) -> str:
    """Return the page, with a newline at its end."""
    parts = [
        "# How often a verdict is wrong",
        (
            f"Computed on {page.computed_on} from {page.number:,} drawn runs for each "
            "point, with at most as many launches as fit into six minutes. The launches of "
            "a run are drawn at random from recorded runs of unchanged code; to simulate a "
            "loss, throughputs are reduced. Every rate has its 95 % interval (Wilson), "
            "which does not count that there are few recordings. What a whole run has in "
            "common is not seen. Only throughput is judged here. "
            "[docs/method.md](../../docs/method.md) describes the rule. "
            "`tox -e trust` computes this page again."
        ),
        "## All machines",
        (
            "*Called changed* is the share of runs of unchanged code in which any scenario "
            "was called regressed or improved; at most "
            f"{RUN_ALPHA * THROUGHPUT.share:.1%} is allowed for throughput. The "
            "other columns are the share of slower scenarios that are called regressed, "
            "over all scenarios."
        ),
        _overview(page.machines),
        *_longer(page.machines),
        *(part for machine in page.machines for part in _machine(machine)),
        *live_part(page.live),
        RECORDINGS,
        _recordings(page.machines),
    ]
    return "\n\n".join(parts) + "\n"


def _overview(machines: Sequence[MachinePart]) -> str:
    rows = [
        [machine.name, how, machine.planned, str(curve.alarms), *_over_all(curve)]
        for machine in machines
        for how, curve in machine.curves.items()
    ]
    heads = ["machine", "compared", "launches, at most", "called changed"]
    return pipe([*heads, *_heads(LOSSES[1:])], rows)


def _over_all(curve: Curve) -> list[str]:
    found = []
    for loss in LOSSES[1:]:
        rates = [curve.regressed[name, loss] for name in curve.names]
        hits, total = sum(r.hits for r in rates), sum(r.total for r in rates)
        found.append(str(Rate(hits, total)))
    return found


def _longer(machines: Sequence[MachinePart]) -> list[str]:
    """Return the part on more time; empty where nothing was recorded side by side."""
    rows = [
        [machine.name, minutes, str(curve.alarms), *_over_all(curve)]
        for machine in machines
        for minutes, curve in machine.longer.items()
    ]
    if not rows:
        return []
    heads = ["machine", "minutes, at most", "called changed", *_heads(LOSSES[1:])]
    return [
        "## What more time shows",
        (
            "The same side by side, if a scenario may take more than six minutes "
            "(`--perf-scenario NAME --perf-budget MINUTES`)."
        ),
        pipe(heads, rows),
    ]


def _machine(machine: MachinePart) -> list[str]:
    parts = [f"## {machine.name}"]
    for how, curve in machine.curves.items():
        parts += [f"### {machine.name}: {how}", *_curve(curve)]
    if machine.rivals:
        parts += [
            f"### {machine.name}: the rules of other tools",
            (
                "They compare one run with one other run. The column 0% is the share of "
                "runs of unchanged code in which any scenario is called slower, the others "
                "are the share of slower scenarios that are."
            ),
            _table(RIVALS, lambda name, loss: str(machine.rivals[name, loss])),
        ]
    return parts


def _curve(curve: Curve) -> list[str]:
    certain = ", ".join(f"{curve.certain[name]} ({name})" for name in curve.names)
    launches = ", ".join(f"{curve.launches[n, 0.0]:g} ({n})" for n in curve.names)
    return [
        _table(curve.names, lambda name, loss: str(curve.regressed[name, loss])),
        (
            f"Unchanged code is called `unchanged` in {certain} of the runs. Launches "
            f"until the verdict (median): {launches}."
        ),
    ]


def _recordings(machines: Sequence[MachinePart]) -> str:
    rows = [
        [
            machine.name,
            one.recorded[:16],
            one.kind.value,
            blocks(one.turn_s),
            one.runtime,
            one.model,
            one.machine["class"],
            one.machine["CPU"],
            "quiet" if one.quiet else "busy",
            sum(len(one.launches(name)) for name in one.scenarios),
            sum(len(pairs) for pairs in one.scenarios.values()),
        ]
        for machine in machines
        for one in machine.recordings
    ]
    heads = ["machine", "recorded", "beside", "blocks", "runtime", "model"]
    return pipe([*heads, "machine class", "CPU", "state", "launches", "pairs"], rows)


def _heads(losses: Sequence[float]) -> list[str]:
    return [f"{loss:.0%}" for loss in losses]


def _table(
    names: Sequence[str] | Mapping[str, object], cell: Callable[[str, float], str]
) -> str:
    rows = [[name, *(cell(name, loss) for loss in LOSSES)] for name in names]
    return pipe(["", *_heads(LOSSES)], rows)


def plot(page: Page) -> bytes:
    """Return an SVG: how often each way to compare calls a scenario slower."""
    chart = pygal.XY(
        title="Called regressed, by how much slower it is",
        x_title="loss of throughput, per cent",
        y_title="called regressed, per cent of scenarios",
        range=(0, 100),
        legend_at_bottom=True,
        legend_at_bottom_columns=1,
        js=[],
    )
    for machine in page.machines:
        for how, curve in machine.curves.items():
            points = [
                (100 * loss, 100 * sum(curve.regressed[n, loss].share for n in curve.names))
                for loss in LOSSES
            ]
            scenarios = max(1, len(curve.names))
            chart.add(f"{machine.name}: {how}", [(x, y / scenarios) for x, y in points])
    image: bytes = chart.render()
    return image
