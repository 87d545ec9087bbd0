"""Draw the operating curve anew: `python -m perf.trust`, or `tox -e trust`.

    --runtime NAME  draw from the recordings of this runtime (process)
    --number N      runs to draw for each point (10,000)
    --add RESULT    first make a recording of a file of --benchmark-json or -save
    --busy          say of that recording that the machine was not quiet
    --live ROUNDS   first run the real suite against servers that are, or are not, slower:
                    six runs a round, about twenty minutes

Writes CURVE.md and curve.svg beside this file.
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
from perf.trust.recordings import FOLDER, read_recordings, recording_of, runs_of
from perf.trust.render import Live, Longer, markdown, plot
from perf.trust.resample import Plan

SEED = 20261124
_LONGER = 12  # launches: a quarter of an hour
_FEWEST = 2  # a run and its baseline come from two
_HERE = Path(__file__).parent


def main(arguments: Sequence[str]) -> int:
    """Do it and return the exit code."""
    parser = argparse.ArgumentParser(prog="tox -e trust --", description=__doc__)
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--runtime", default="process")
    parser.add_argument("--add", type=Path)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--live", type=int, default=0, metavar="ROUNDS")
    chosen = parser.parse_args(arguments)
    if chosen.number < 1:
        parser.error(f"--number {chosen.number}: not a whole number of at least 1")
    if chosen.live < 0:
        parser.error(f"--live {chosen.live}: not a number of rounds")
    if chosen.live and not run_live(chosen.live):
        return 1
    if chosen.add:
        try:
            recording = recording_of(chosen.add, quiet=not chosen.busy)
        except (OSError, ValueError, KeyError, StopIteration) as error:
            parser.error(f"--add {chosen.add}: no result of this suite ({error!r})")
        name = f"{recording.recorded[:16].replace(':', '')}-{recording.runtime}.json"
        recording.write(FOLDER / name)
    recordings = read_recordings(chosen.runtime)
    if len(recordings) < _FEWEST:
        parser.error(
            f"--runtime {chosen.runtime}: {len(recordings)} recordings, and it takes "
            f"{_FEWEST}: add one with --add"
        )
    rows = Table.read().scenario
    plan = Plan(tolerances={row.name: row.tolerance for row in rows})
    curve = operating_curve(runs_of(recordings), plan, number=chosen.number, seed=SEED)
    drawn_on = f"{datetime.now(UTC):%Y-%m-%d}"
    longer = replace(plan, planned=_LONGER)
    number = max(1, chosen.number // 10)
    power = power_of(runs_of(recordings), longer, number=number, seed=SEED)
    text = markdown(
        curve,
        recordings,
        plan,
        chosen.number,
        drawn_on,
        live=_live(plan),
        longer=Longer(planned=_LONGER, power=power),
    )
    (_HERE / "CURVE.md").write_text(text, encoding="utf-8")
    (_HERE / "curve.svg").write_bytes(plot(curve))
    sys.stdout.write(text)
    return 0


def _live(plan: Plan) -> Live:
    campaigns = read_live()
    rows = live_rows(campaigns, replace(plan, planned=LAUNCHES))
    return Live(rows=rows, alarms=runs_with_alarm(campaigns))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
