"""What is typed after `python -m perf.trust`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from perf.trust.live import ROUND

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def read(arguments: Sequence[str]) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """Return the parser, for later errors, and what was chosen.

    Ends the process with code 2 and one line if an argument is wrong.
    """
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.number < 1:
        parser.error(f"--number {chosen.number}: not a whole number of at least 1")
    if chosen.live < 0:
        parser.error(f"--live {chosen.live}: not a number of rounds")
    if chosen.live and chosen.add_run:
        parser.error("--add-run: not together with --live")
    if chosen.add and not _NAME.fullmatch(chosen.machine):
        parser.error(
            f"--machine {chosen.machine}: --add needs a name for the machine, of "
            "lower-case letters, digits and '-'"
        )
    return parser, chosen


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
        help="run the suite side by side with copies of which some are really slower: five "
        "runs a round; add their verdicts to the page, whose other parts stay",
    )
    parser.add_argument(
        "--add-run",
        type=Path,
        metavar="SUMMARY",
        help="count the verdicts of a run of unchanged code, from its summary.json, among "
        "those of the live runs; the rest of the page stays",
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
