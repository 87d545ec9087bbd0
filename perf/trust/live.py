"""Live runs: the whole suite against real servers that are, or are not, really slower.

First records a baseline, then runs the suite again and again, each time with another
loss of throughput built into the server (see slower/sitecustomize.py), in an order drawn
at random: a round has two runs without a loss and one with each of the others. ResNet-18,
for the time it takes. What each run came to is added, verdict by verdict, to a file in
`live/`, from which the operating curve's page counts; an interrupted call loses no run that
has ended.
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
"""The losses of one round."""

SERVED = ("serving-single", "serving-batch", "serving-workers-2")
LAUNCHES = 3
BASELINE_LAUNCHES = 8
PAIRS_PER_LAUNCH = 2
_SLOWER = Path(__file__).with_name("slower")
_ROOT = Path(__file__).parents[2]
_ENOUGH = (0, 1)  # pytest's codes of a run whose verdicts can be read


def run_live(rounds: int) -> bool:
    """Record a baseline and make `rounds` rounds of runs; return whether all ended well."""
    path = FOLDER / f"{_now().replace(':', '')}.jsonl"
    with tempfile.TemporaryDirectory(prefix="serving-perf-live-") as name:
        folder = Path(name)
        baseline = _suite(folder, 0.0, BASELINE_LAUNCHES, "--benchmark-save=live")
        if baseline is None:
            return False
        _add(path, outcomes_of(baseline, _now(), BASELINE, 0.0))
        for run, loss in enumerate(_losses(rounds)):
            summary = _suite(folder, loss, LAUNCHES)
            if summary is None:
                return False
            outcomes = outcomes_of(summary, _now(), run, loss)
            if unjudged := [o for o in outcomes if o.verdict is Verdict.NO_BASELINE]:
                sys.stderr.write(f"{unjudged[0].scenario}: {unjudged[0].reason}\n")
                return False
            _add(path, outcomes)
    return True


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M}"


def _losses(rounds: int) -> Iterator[float]:
    """Yield the loss of each run, the rounds one after the other."""
    order = random.SystemRandom()
    for _ in range(rounds):
        yield from order.sample(ROUND, len(ROUND))


def _suite(
    folder: Path, loss: float, launches: int, *more: str
) -> Mapping[str, Any] | None:
    """Run the suite; return its summary, or None, with its output, where there is none."""
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
    if done.returncode not in _ENOUGH:
        sys.stderr.write(done.stdout)
        return None
    with _removed(reports / "summary.json") as summary:
        read: Mapping[str, Any] = json.loads(summary.read_text("utf-8"))
    return read


@contextmanager
def _removed(path: Path) -> Iterator[Path]:
    """Remove a file after use: the next run's must not be this one's."""
    yield path
    path.unlink()


def _add(path: Path, outcomes: Sequence[Outcome]) -> None:
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
