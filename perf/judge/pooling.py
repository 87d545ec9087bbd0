"""Put a result beside the runs of the baseline it belongs to, as one more run of it.

A run has an error of its own, which its blocks cannot show and more of them do not lessen;
that of a mean over several runs is smaller (see docs/method.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perf.judge.baselines import Baseline, BaselineStore, read_baselines
from perf.judge.stored import EXTRA, RecordedRun, Run
from perf.stats import estimate_change
from perf.stats.rule import RUN_ALPHA
from serving.errors import ConfigError


def pooled(candidate: Path, store: BaselineStore) -> str:
    """Return the candidate's file, the pairs of older runs before its own.

    Raises ConfigError where a scenario has no baseline that applies, or is so much faster
    or slower than it that they are no runs of one thing.
    """
    found = {
        new.name: (*_older(new, store), *new.runs) for new in read_baselines(candidate)
    }
    result = json.loads(candidate.read_text("utf-8"))
    for benchmark in result["benchmarks"]:
        entry = benchmark["extra_info"].get(EXTRA, {})
        if entry.get("name") in found:
            entry |= _entry(found[entry["name"]])
    return json.dumps(result, indent=4) + "\n"


def _older(new: Baseline, store: BaselineStore) -> tuple[Run, ...]:
    old, reason = store.find(new.name, new.identity)
    if old is None:
        raise ConfigError(f"--pool: {reason}; --write keeps a result that stands alone")
    change = estimate_change(new.sample, *old.samples).interval(RUN_ALPHA / 2)
    if not change.low <= 1.0 <= change.high:
        raise ConfigError(
            f"--pool: {new.name} moved by {change.point - 1:+.1%} "
            f"[{change.low - 1:+.1%}, {change.high - 1:+.1%}] since {old.path.name}: "
            "it is no other run of the same; --write keeps it alone"
        )
    return old.runs


def _entry(runs: tuple[Run, ...]) -> dict[str, Any]:
    """Return the keys that hold the runs, their launches numbered on."""
    pairs: list[dict[str, Any]] = []
    begins: list[dict[str, Any]] = []
    for run, first in zip(runs, _first_launches(runs), strict=True):
        recorded = RecordedRun(recorded=run.recorded, first_launch=first)
        begins.append(recorded.model_dump(mode="json"))
        least = min(pair.launch for pair in run.sample.pairs)
        pairs += [
            {**asdict(pair), "launch": first + pair.launch - least}
            for pair in run.sample.pairs
        ]
    return {"pairs": pairs, "runs": begins}


def _first_launches(runs: tuple[Run, ...]) -> Iterator[int]:
    first = 0
    for run in runs:
        yield first
        launches = run.sample.launches
        first += int(launches.max() - launches.min()) + 1
