"""Compute the operating curve from recorded runs: `python -m perf.trust`.

It writes CURVE.md and curve.svg beside this file.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tabulate import tabulate

from perf.config.table import Table
from perf.stats import QUANTITIES
from perf.trust import trend_page
from perf.trust.curve import Curve, operating_curve, rival_rates
from perf.trust.draws import Draws, Plan, SideBySide, SinceBaseline
from perf.trust.live import ROUND, run_live
from perf.trust.outcomes import live_rows, read_live
from perf.trust.priors import beside_prior, launch_prior, run_prior
from perf.trust.recordings import (
    FOLDER,
    Kind,
    Recording,
    read_recordings,
    recording_of,
    runs_of,
)
from perf.trust.render import (
    PINPOINT,
    SIDE_BY_SIDE,
    WITHOUT_PACE,
    MachinePart,
    Page,
    markdown,
    plot,
)
from perf.trust.rivals import Pinpoint

SEED = 20261127
LAUNCHES = {"epyc-zen4": 10, "epyc-zen5": 16}
"""As many as were seen to fit into six minutes side by side, by machine."""

LONGER_MIN = (12, 24)
"""Minutes for a scenario, side by side, in which more launches fit."""

_USUAL_MIN = 6
_FEWEST_LAUNCHES = min(LAUNCHES.values())  # for a machine of which it is not known
_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.number < 1:
        parser.error(f"--number {chosen.number}: not a whole number of at least 1")
    if chosen.live < 0:
        parser.error(f"--live {chosen.live}: not a number of rounds")
    if chosen.live and not run_live(chosen.live, chosen.options, chosen.losses):
        return 1
    if chosen.add:
        if not _NAME.fullmatch(chosen.machine):
            parser.error(
                f"--machine {chosen.machine}: --add needs a name for the machine, of "
                "lower-case letters, digits and '-'"
            )
        try:
            _add(chosen.add, chosen.machine, quiet=not chosen.busy)
        except (OSError, ValueError, KeyError, StopIteration) as error:
            parser.error(f"--add {chosen.add}: not a result of this suite ({error!r})")
    if chosen.histories:
        text = trend_page.markdown(trend_page.compute(chosen.number))
        (_HERE / "TREND.md").write_text(text, encoding="utf-8")
        sys.stdout.write(text)
        return 0
    recordings = read_recordings(chosen.runtime)
    if not recordings:
        parser.error(f"--runtime {chosen.runtime}: no recordings; add one with --add")
    if chosen.priors:
        sys.stdout.write(f"{priors_of(recordings)}\n")
        return 0
    page = page_of(recordings, chosen.number)
    text = markdown(page)
    (_HERE / "CURVE.md").write_text(text, encoding="utf-8")
    (_HERE / "curve.svg").write_bytes(plot(page))
    sys.stdout.write(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tox -e trust --",
        description="Compute the operating curve: write CURVE.md and curve.svg.",
    )
    parser.add_argument(
        "--runtime",
        default="process",
        help="use the recordings of this runtime (default: %(default)s)",
    )
    parser.add_argument(
        "--number",
        type=int,
        default=10_000,
        help="resampled runs for each point (default: %(default)s)",
    )
    parser.add_argument(
        "--add",
        type=Path,
        metavar="RESULT",
        help="first make a recording from a file of --benchmark-save, or from the "
        "summary.json of a run side by side with unchanged code",
    )
    parser.add_argument(
        "--machine",
        default="",
        metavar="NAME",
        help="with --add: the machine, which is also the name of the recording's folder",
    )
    parser.add_argument(
        "--busy",
        action="store_true",
        help="with --add: note that other programs ran on the machine",
    )
    parser.add_argument(
        "--priors",
        action="store_true",
        help="print the priors that the recordings suggest, also with each machine left "
        "out, and write nothing",
    )
    parser.add_argument(
        "--histories",
        action="store_true",
        help="compute how often the changes of the trend are wrong: write TREND.md instead",
    )
    parser.add_argument(
        "--live",
        type=int,
        default=0,
        metavar="ROUNDS",
        help="first run the suite side by side with copies of which some are really "
        "slower: five runs a round",
    )
    parser.add_argument(
        "--losses",
        type=_losses,
        default=ROUND,
        metavar="SHARES",
        help="with --live: the losses of the runs of a round, such as 0,0,0.1",
    )
    parser.add_argument(
        "options", nargs="*", help="with --live: more options of pytest, after --"
    )
    return parser


def _losses(text: str) -> tuple[float, ...]:
    """Return the losses of a round; raises ValueError for other text or shares."""
    losses = tuple(float(part) for part in text.split(","))
    if not all(0.0 <= loss < 1.0 for loss in losses):
        raise ValueError(text)
    return losses


def _add(result: Path, machine: str, *, quiet: bool) -> None:
    recording = recording_of(result, quiet=quiet)
    at, kind = recording.recorded[:16].replace(":", ""), recording.kind.replace(" ", "-")
    recording.write(FOLDER / machine / f"{at}-{kind}-{recording.runtime}.json")


def priors_of(recordings: Mapping[str, Sequence[Recording]]) -> str:
    """Return a table of the fitted priors: of all machines, and with each left out."""
    rows = []
    for left_out in ("", *recordings):
        machines = [found for name, found in recordings.items() if name != left_out]
        beside = [runs_of(found, Kind.SIDE_BY_SIDE) for found in machines]
        since = [runs_of(found, Kind.REFERENCE) for found in machines]
        for quantity in QUANTITIES:
            priors = (
                launch_prior(since, quantity),
                beside_prior(beside, quantity),
                run_prior(since, quantity),
            )
            cells = [f"{p.sd:.4f}, {p.freedom:.3g}" if p else "" for p in priors]
            rows.append([left_out or "no machine", quantity.name, *cells])
    heads = ["left out", "quantity", "launches", "launches side by side", "runs"]
    return tabulate(rows, headers=heads, disable_numparse=True)


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
