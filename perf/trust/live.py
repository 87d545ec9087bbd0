"""Live runs: the whole suite against real servers, some of which are really slower.

The first run records a baseline. Each later run slows the server down by a given loss of
throughput (see slower/sitecustomize.py). A round has two runs without a loss, and one with
each of the other losses, in random order. The model is ResNet-18, to save time.

The verdicts of each run are appended to a file in `live/`. The page of the operating curve
is made from these files. If the command is interrupted, the runs that have ended are kept.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perf.stats import Verdict
from perf.trust.outcomes import BASELINE, FOLDER, Outcome, outcomes_of

ROUND = (0.0, 0.0, 0.02, 0.05, 0.10, 0.20)
"""The losses of the runs of one round, as shares."""

SERVED = ("serving-single", "serving-batch", "serving-workers-2")
LAUNCHES = 3
BASELINE_LAUNCHES = 8
PAIRS_PER_LAUNCH = 2
_SLOWER = Path(__file__).with_name("slower")
_ROOT = Path(__file__).parents[2]
_HAS_VERDICTS = (0, 1)  # pytest's exit codes of a run that came to its end


def run_live(rounds: int) -> bool:
    """Record a baseline and run `rounds` rounds; return whether all runs ended well."""
    path = FOLDER / f"{_now().replace(':', '')}.jsonl"
    with tempfile.TemporaryDirectory(prefix="serving-perf-live-") as name:
        folder = Path(name)
        baseline = _run_suite(folder, 0.0, BASELINE_LAUNCHES, "--benchmark-save=live")
        if baseline is None:
            return False
        _append(path, outcomes_of(baseline, _now(), BASELINE, 0.0))
        for run, loss in enumerate(_losses(rounds)):
            summary = _run_suite(folder, loss, LAUNCHES)
            if summary is None:
                return False
            outcomes = outcomes_of(summary, _now(), run, loss)
            if unjudged := [o for o in outcomes if o.verdict is Verdict.NO_BASELINE]:
                sys.stderr.write(f"{unjudged[0].scenario}: {unjudged[0].reason}\n")
                return False
            _append(path, outcomes)
    return True


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M}"


def _losses(rounds: int) -> Iterator[float]:
    """Yield the loss of each run."""
    order = random.SystemRandom()
    for _ in range(rounds):
        yield from order.sample(ROUND, len(ROUND))


def _run_suite(
    folder: Path, loss: float, launches: int, *more: str
) -> Mapping[str, Any] | None:
    """Run the suite and return its summary.

    If the run fails, print its output and return None.
    """
    reports = folder / "reports"
    rows = (*(("decentralized",) if loss == 0.0 else ()), *SERVED)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "perf/test_throughput.py"),
            *("--perf-profile", "smoke", "--perf-runtime", "process"),
            *("--perf-scenario", ",".join(rows), "--perf-reports", str(reports)),
            *("--perf-launches", str(launches)),
            *("--perf-pairs", str(launches * PAIRS_PER_LAUNCH)),
            f"--benchmark-storage=file://{folder / 'baselines'}",
            *more,
        ],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_SLOWER), "SERVING_PERF_LOSS": str(loss)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode not in _HAS_VERDICTS:
        sys.stderr.write(done.stdout)
        return None
    with _removed(reports / "summary.json") as summary:
        read: Mapping[str, Any] = json.loads(summary.read_text("utf-8"))
    return read


@contextmanager
def _removed(path: Path) -> Iterator[Path]:
    """Remove a file after use, so that it is not taken for that of the next run."""
    yield path
    path.unlink()


def _append(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Append the outcomes to the file, and print them."""
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for outcome in outcomes:
            file.write(outcome.model_dump_json() + "\n")
            change = "" if outcome.change is None else f"{outcome.change - 1.0:+.1%}"
            sys.stdout.write(
                f"{outcome.at} loss {outcome.loss:.0%} {outcome.scenario}: "
                f"{outcome.verdict.value} {change}\n"
            )
    sys.stdout.flush()
