"""Add the runs of an existing baseline to a new result, as one baseline of several runs.

Each run has an error of its own. Its blocks cannot show that error, and more blocks do not
reduce it. The mean over several runs has a smaller one (see docs/method.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perf.judge.baselines import Baseline, BaselineStore, read_baselines
from perf.judge.stored import EXTRA, BaselineRun, StoredRun
from perf.stats import NotMeasuredError, estimate_change, quantities_of
from perf.stats.rule import RUN_ALPHA
from serving.errors import ConfigError


def pooled(candidate: Path, store: BaselineStore) -> str:
    """Return the text of the candidate's file with the runs of its baselines added.

    The older runs come first. Raises ConfigError where a scenario has no baseline that
    applies, or only one of another CPU, its throughput has changed since that baseline,
    or no pace was measured.
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


def _older(new: Baseline, store: BaselineStore) -> tuple[BaselineRun, ...]:
    old, reason = store.find(new.name, new.identity)
    if old is None:
        raise ConfigError(f"--pool: {reason}; --write keeps the result on its own")
    if new.identity.is_of_another_cpu(old.identity):
        raise ConfigError(
            f"--pool: {new.name}: {old.path.name} was recorded on another CPU, "
            f"{old.identity.cpu}; --write keeps the result on its own"
        )
    try:
        quantity, *_ = quantities_of(new.sample.pairs)
        found = estimate_change(new.sample, *old.samples, quantity=quantity)
        change = found.interval(RUN_ALPHA / 2)
    except NotMeasuredError as fault:
        raise ConfigError(f"--pool: {new.name}: {fault}") from None
    if not change.low <= 1.0 <= change.high:
        raise ConfigError(
            f"--pool: the {quantity.name} of {new.name} has changed by "
            f"{change.point - 1:+.1%} [{change.low - 1:+.1%}, {change.high - 1:+.1%}] "
            f"since {old.path.name}, so they are not runs of the same code; --write keeps "
            "the result on its own"
        )
    return old.runs


def _entry(runs: tuple[BaselineRun, ...]) -> dict[str, Any]:
    """Return the keys that hold the runs, with launches numbered through all runs."""
    pairs: list[dict[str, Any]] = []
    begins: list[dict[str, Any]] = []
    for run, first in zip(runs, _first_launches(runs), strict=True):
        stored = StoredRun(recorded=run.recorded, first_launch=first)
        begins.append(stored.model_dump(mode="json"))
        least = min(pair.launch for pair in run.sample.pairs)
        pairs += [
            {**asdict(pair), "launch": first + pair.launch - least}
            for pair in run.sample.pairs
        ]
    return {"pairs": pairs, "runs": begins}


def _first_launches(runs: tuple[BaselineRun, ...]) -> Iterator[int]:
    first = 0
    for run in runs:
        yield first
        launches = run.sample.launches
        first += int(launches.max() - launches.min()) + 1
