"""Live runs: whole runs side by side, some of them with a server that is really slower.

A copy of this tree is measured side by side with this tree. In the copy, the handler of
TorchServe computes for longer, so that the server loses a given share of its throughput,
or a little less, because only the time of the model grows. Without a loss the copy is
unchanged. Unless others are asked for, a round has two runs without a loss, and one with
each of the other losses, in random order. The rows are those with a TorchServe, unless the
options choose others.

The verdicts of each run are appended to a file in `live/`. The page of the operating curve
is made from these files. If the command is interrupted, the runs that have ended are kept.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perf.config.options import choose_rows
from perf.experiment.against.tree import ROOT, find_tree
from perf.trust.outcomes import FOLDER, Outcome, outcomes_of
from serving.running import run_to_end

ROUND = (0.0, 0.0, 0.03, 0.05, 0.10)
"""The losses of the runs of one round, as shares."""

SERVED = ("serving-single", "serving-batch", "serving-workers-2")
_HANDLER = Path("serving", "model", "standalone", "handler.py")
_HAS_VERDICTS = (0, 1)  # pytest's exit codes of a run that came to its end

# CPU time, because the usual clock goes on while the tree is stopped for the other's turn.
_SLOWER = """

import time  # noqa: E402

_inference = ImageFileClassifier.inference


def _slower(self, *arguments, **keywords):
    begun_s = time.thread_time()
    answer = _inference(self, *arguments, **keywords)
    now_s = time.thread_time()
    end_s = now_s + {times} * (now_s - begun_s)
    while time.thread_time() < end_s:
        pass
    return answer


ImageFileClassifier.inference = _slower
"""


def run_live(rounds: int, options: Sequence[str], losses: Sequence[float] = ROUND) -> bool:
    """Run `rounds` rounds, with more options of pytest; return whether all ended well."""
    path = FOLDER / f"{_now().replace(':', '')}.jsonl"
    with tempfile.TemporaryDirectory(prefix="serving-perf-live-") as name:
        folder = Path(name)
        tree = find_tree("HEAD", "--live", folder)
        for run, loss in enumerate(_shuffled(losses, rounds)):
            copy = slower_copy(tree.root, folder / "copy", loss)
            summary = _measure(copy, folder / "reports", options)
            if summary is None:
                return False
            _append(path, outcomes_of(summary, _now(), run, loss))
    return True


def add_run(summary: Path) -> None:
    """Count the verdicts of a run of unchanged code among those of the live runs.

    Adding a run a second time changes nothing. Raises OSError, ValueError, KeyError or
    TypeError if `summary` is not the summary.json of a run with verdicts.
    """
    read: Mapping[str, Any] = json.loads(summary.read_text("utf-8"))
    at = read["started"][:16]
    outcomes = [one for one in outcomes_of(read, at, 0, 0.0) if one.pairs]
    if not outcomes:
        raise ValueError("nothing was compared")
    path = FOLDER / f"{at.replace(':', '')}-run.jsonl"
    path.unlink(missing_ok=True)
    _append(path, outcomes)


def slower_copy(root: Path, copy: Path, loss: float) -> Path:
    """Copy a tree to `copy`, with a handler that loses a share of its throughput."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy)
    if loss:
        with (copy / _HANDLER).open("a", encoding="utf-8") as handler:
            handler.write(_SLOWER.format(times=loss / (1.0 - loss)))
    return copy


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M}"


def _shuffled(losses: Sequence[float], rounds: int) -> Iterator[float]:
    """Yield the loss of each run."""
    order = random.SystemRandom()
    for _ in range(rounds):
        yield from order.sample(losses, len(losses))


def _measure(copy: Path, reports: Path, options: Sequence[str]) -> Mapping[str, Any] | None:
    """Measure the copy beside this tree, and return the summary.

    If the run fails, print its output and return None.
    """
    shutil.rmtree(reports, ignore_errors=True)
    command = [
        *(sys.executable, "-m", "pytest", "perf"),
        *(f"--perf-against={ROOT}", "--perf-runtime", "process"),
        *("--perf-reports", str(reports), *_rows(options), *options),
    ]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        code = run_to_end(command, copy, output)
        if code not in _HAS_VERDICTS:
            output.seek(0)
            sys.stderr.write(output.read())
            return None
    read: Mapping[str, Any] = json.loads((reports / "summary.json").read_text("utf-8"))
    return read


def _rows(options: Sequence[str]) -> tuple[str, ...]:
    """Return what chooses the usual rows, or nothing where the options choose rows."""
    return () if choose_rows(options) else ("--perf-scenario", ",".join(SERVED))


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
