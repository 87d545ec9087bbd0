"""Compute the operating curve from recorded runs: `python -m perf.trust`.

It writes CURVE.md and curve.svg beside this file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

from perf.stats import CAPACITY, QUANTITIES, THROUGHPUT, Quantity
from perf.trust import trend_page
from perf.trust.arguments import read
from perf.trust.live import add_run, run_live
from perf.trust.outcomes import live_rows, read_live
from perf.trust.page import page_of
from perf.trust.priors import beside_prior, launch_prior, run_prior
from perf.trust.recordings import (
    FOLDER,
    Kind,
    Recording,
    read_recordings,
    recording_of,
    runs_of,
)
from perf.trust.render import markdown, plot
from perf.trust.render_live import with_live

_HERE = Path(__file__).parent
_CURVE = _HERE / "CURVE.md"


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code."""
    parser, chosen = read(arguments)
    if chosen.live or chosen.add_run:
        if chosen.add_run:
            try:
                add_run(chosen.add_run)
            except (OSError, ValueError, KeyError, TypeError) as error:
                parser.error(f"--add-run {chosen.add_run}: no verdicts there ({error!r})")
        elif not run_live(chosen.live, chosen.options, chosen.losses):
            return 1
        text = with_live(_CURVE.read_text("utf-8"), live_rows(read_live()))
        _CURVE.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{_CURVE} counts these verdicts now\n")
        return 0
    if chosen.add:
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
        capacities = read_recordings(chosen.runtime, figure=CAPACITY.name)
        tables = (priors_of(recordings), priors_of(capacities, CAPACITY))
        sys.stdout.write("\n\n".join(tables) + "\n")
        return 0
    page = page_of(recordings, chosen.number)
    text = markdown(page)
    _CURVE.write_text(text, encoding="utf-8")
    (_HERE / "curve.svg").write_bytes(plot(page))
    sys.stdout.write(text)
    return 0


def _add(result: Path, machine: str, *, quiet: bool) -> None:
    recording = recording_of(result, quiet=quiet)
    at, kind = recording.recorded[:16].replace(":", ""), recording.kind.replace(" ", "-")
    figure = "" if recording.figure == THROUGHPUT.name else f"-{recording.figure}"
    recording.write(FOLDER / machine / f"{at}-{kind}-{recording.runtime}{figure}.json")


def priors_of(
    recordings: Mapping[str, Sequence[Recording]], first: Quantity = THROUGHPUT
) -> str:
    """Return a table of the fitted priors: of all machines, and with each left out.

    `first` is what the recordings' blocks have as their `rps`.
    """
    rows = []
    for left_out in ("", *recordings):
        machines = [found for name, found in recordings.items() if name != left_out]
        beside = [runs_of(found, Kind.SIDE_BY_SIDE) for found in machines]
        since = [runs_of(found, Kind.REFERENCE) for found in machines]
        for quantity in (first, *QUANTITIES[1:]):
            priors = (
                launch_prior(since, quantity),
                beside_prior(beside, quantity),
                run_prior(since, quantity),
            )
            cells = [f"{p.sd:.4f}, {p.freedom:.3g}" if p else "" for p in priors]
            rows.append([left_out or "no machine", quantity.name, *cells])
    heads = ["left out", "quantity", "launches", "launches side by side", "runs"]
    return tabulate(rows, headers=heads, disable_numparse=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
