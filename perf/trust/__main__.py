"""Compute the operating curve from recorded runs: `python -m perf.trust`.

It writes CURVE.md and curve.svg beside this file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from perf.config.table import Table
from perf.trust.curve import operating_curve, power_of
from perf.trust.live import LAUNCHES, run_live
from perf.trust.livecurve import live_rows, runs_with_alarm
from perf.trust.outcomes import read_live
from perf.trust.recordings import (
    FOLDER,
    Recording,
    read_recordings,
    recording_of,
    runs_of,
)
from perf.trust.render import Live, Longer, Page, markdown, plot
from perf.trust.resample import Plan

SEED = 20261124
_LONGER = 12  # launches; they take a quarter of an hour
_FEWEST = 2  # recordings: one for a run, one for its baseline
_HERE = Path(__file__).parent


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.number < 1:
        parser.error(f"--number {chosen.number}: not a whole number of at least 1")
    if chosen.live < 0:
        parser.error(f"--live {chosen.live}: not a number of rounds")
    if chosen.live and not run_live(chosen.live):
        return 1
    if chosen.add:
        try:
            _add(chosen.add, quiet=not chosen.busy)
        except (OSError, ValueError, KeyError, StopIteration) as error:
            parser.error(f"--add {chosen.add}: not a result of this suite ({error!r})")
    recordings = read_recordings(chosen.runtime)
    if len(recordings) < _FEWEST:
        parser.error(
            f"--runtime {chosen.runtime}: there are {len(recordings)} recordings, but "
            f"{_FEWEST} are needed: add one with --add"
        )
    page = _page(recordings, chosen.number)
    text = markdown(page)
    (_HERE / "CURVE.md").write_text(text, encoding="utf-8")
    (_HERE / "curve.svg").write_bytes(plot(page.curve))
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
        help="first make a recording from a file of --benchmark-json or --benchmark-save",
    )
    parser.add_argument(
        "--busy",
        action="store_true",
        help="with --add: note that other programs ran on the machine",
    )
    parser.add_argument(
        "--live",
        type=int,
        default=0,
        metavar="ROUNDS",
        help="first run the suite against servers of which some are really slower: six "
        "runs a round, about 20 minutes",
    )
    return parser


def _add(result: Path, *, quiet: bool) -> None:
    recording = recording_of(result, quiet=quiet)
    name = f"{recording.recorded[:16].replace(':', '')}-{recording.runtime}.json"
    recording.write(FOLDER / name)


def _page(recordings: Sequence[Recording], number: int) -> Page:
    rows = Table.read().scenario
    plan = Plan(tolerances={row.name: row.tolerance for row in rows})
    runs = runs_of(recordings)
    longer = replace(plan, planned=_LONGER)
    power = power_of(runs, longer, number=max(1, number // 10), seed=SEED)
    return Page(
        curve=operating_curve(runs, plan, number=number, seed=SEED),
        recordings=recordings,
        plan=plan,
        number=number,
        computed_on=f"{datetime.now(UTC):%Y-%m-%d}",
        live=live_results(plan),
        longer=Longer(planned=_LONGER, power=power),
    )


def live_results(plan: Plan) -> Live:
    """Return the results of the recorded live runs, with simulated losses by `plan`."""
    campaigns = read_live()
    rows = live_rows(campaigns, replace(plan, planned=LAUNCHES))
    return Live(rows=rows, alarms=runs_with_alarm(campaigns))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
