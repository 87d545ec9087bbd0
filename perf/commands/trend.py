"""Draw the history of results as a page, and find where it changed.

    python -m perf.commands.trend [--add SUMMARY ...]

It writes reports/trend.html. With `--add` it first adds results to the history: files
summary.json of earlier runs. A result that is there already is not added again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from perf.history.entry import Entry, entries_of
from perf.history.find import commits_between
from perf.history.series import MOST_RUNS, series_of
from perf.history.store import History, counted
from perf.report.trend.model import trend_of
from perf.report.trend.rendering import render
from serving.errors import ConfigError

_ROOT = Path(__file__).parents[2]
_WRONG_USE = 4
_FILE = "trend.html"


def main(arguments: Sequence[str], root: Path = _ROOT) -> int:
    """Do what the arguments say, and return the exit code.

    `root` is the folder that the other folders are relative to.
    """
    chosen = _parser().parse_args(arguments)
    if chosen.runs < 1:
        sys.stderr.write(f"ERROR: --runs {chosen.runs}: not a number of at least 1\n")
        return _WRONG_USE
    history = History(root / chosen.history)
    try:
        for summary in chosen.add or ():
            added = history.add(_read(summary))
            sys.stdout.write(f"history: {counted(added)} of {summary} added\n")
        series = series_of(history.read(), commits_between, chosen.runs)
        page = _write(root / chosen.reports, render(series))
    except ConfigError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return _WRONG_USE
    view = trend_of(series)
    changes = [f"{one.name}: {one.said}" for one in view.changes]
    sys.stdout.write("\n".join([view.headline, *changes, f"trend: {page}", ""]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tox -e trend --",
        description="Draw the history of results, and find where it changed.",
    )
    parser.add_argument(
        "--add",
        type=Path,
        nargs="+",
        action="extend",
        metavar="SUMMARY",
        help="first add the results of these files summary.json to the history",
    )
    parser.add_argument(
        "--history",
        default="history",
        metavar="DIR",
        help="the folder of the history (default: %(default)s)",
    )
    parser.add_argument(
        "--reports",
        default="reports",
        metavar="DIR",
        help="the folder for the page (default: %(default)s)",
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=MOST_RUNS,
        metavar="N",
        help="show and search the newest runs of each scenario (default: %(default)s)",
    )
    return parser


def _read(summary: Path) -> list[Entry]:
    """Return the results of a file; raises ConfigError, naming the file."""
    try:
        return entries_of(json.loads(summary.read_text("utf-8")))
    except OSError as error:
        raise ConfigError(f"--add {summary}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise ConfigError(f"--add {summary}: not a file of JSON") from None
    except ConfigError as error:
        raise ConfigError(f"--add {summary}: {error}") from None


def _write(folder: Path, page: str) -> Path:
    path = folder / _FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(page, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
