"""Reads the summary.json that another job left.

In a pull request that job runs the pull request's own code, so the file may say anything.
What is read here can be shown and typed: names are those that a row can have, numbers are
numbers, and a command has only options that a run writes. Only reasons and the values of
options are free text; reports show them as code.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from jsonschema import Draft202012Validator

from perf.config.header import RunHeader
from perf.github.errors import DamagedError
from perf.judge.judgement import Judged, Judgement
from perf.report import formatting
from perf.report.repeating import repeat_command
from perf.report.schema import schema
from perf.stats import CAPACITY, GOODPUT, QUANTITIES, Estimate, Verdict

FILE = "summary.json"

_MOST_SCENARIOS = 200
_MOST_SEED = 2**64
_LARGEST = 1e100
_MOST_CHARACTERS = 1000  # of a reason
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_COMMIT = re.compile(r"([0-9a-f]{7,64})(?: with changes)?")
_HASH = re.compile(r"[0-9a-f]{7,64}")
_OPTIONS = {
    *("--perf-model", "--perf-weights", "--perf-images"),
    *("--perf-total", "--perf-pairs", "--perf-launches"),
    *("--perf-jobs", "--perf-workers", "--perf-batch-size", "--perf-threads"),
    *("--perf-arrivals", "--perf-rate", "--perf-slo", "--perf-arrivals-seed"),
    *("--perf-docker-cpus", "--perf-docker-memory"),
}
"""The options that a run writes into its summary. A test holds them to what writes them."""

_LONGEST_VALUE = 200  # of an option
_QUANTITIES = {one.name for one in (*QUANTITIES, GOODPUT, CAPACITY)}
_COMPARED = {Verdict.REGRESSED, Verdict.IMPROVED, Verdict.UNCHANGED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOutcome:
    """One scenario of another run, and its verdict."""

    name: str
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Another run."""

    outcomes: tuple[ReadOutcome, ...]

    header: RunHeader
    """Without what the summary does not say in words that can be trusted."""

    is_repeatable: bool
    """Whether its options can be in a command."""

    @property
    def is_whole(self) -> bool:
        """Whether something was measured, and all that was to be."""
        measured = {one.name for one in self.outcomes}
        return bool(measured) and measured.issuperset(self.header.scenarios)

    def repeat(self, outcome: ReadOutcome) -> str:
        """Return the shell line that repeats a scenario; empty where there is none."""
        if not self.is_repeatable:
            return ""
        return repeat_command(outcome.name, self.header, outcome.judgement.against)


def read_summary(content: bytes) -> Summary:
    """Return what a summary.json says. Raises DamagedError, with the place of the fault."""
    try:
        raw = json.loads(content, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as fault:
        raise DamagedError(f"{FILE} is no JSON: {_short(fault)}") from None
    try:
        broken = next(Draft202012Validator(schema()).iter_errors(raw), None)
    except RecursionError:
        raise DamagedError(f"{FILE} is nested too deeply") from None
    if broken is not None:
        place = _short(broken.json_path)
        raise DamagedError(f"{FILE}: {place}: {_short(broken.message)}")
    try:
        return _summary(raw)
    except ValueError as wrong:
        raise DamagedError(f"{FILE}: {_short(wrong)}") from None


def _summary(raw: Mapping[str, Any]) -> Summary:
    """Return what a file that keeps to the schema says; raises ValueError."""
    rows = raw["scenarios"]
    if len(rows) > _MOST_SCENARIOS:
        raise ValueError(f"{len(rows)} scenarios are more than a run has")
    words = raw.get("options", ())
    is_repeatable = _are_options(words)
    return Summary(
        outcomes=tuple(_outcome(row) for row in rows),
        header=RunHeader(
            profile=_matching(raw["profile"], _NAME, "profile"),
            runtime=_matching(raw["runtime"], _NAME, "runtime"),
            runtime_reason="",
            machine_class=formatting.one_line(raw["machine_class"])[:_MOST_CHARACTERS],
            device=_matching(raw.get("device", "cpu"), _NAME, "device"),
            seed=_seed(raw["seed"]),
            model=formatting.one_line(raw["model"])[:_MOST_CHARACTERS],
            model_options=tuple(words) if is_repeatable else (),
            machine={},
            versions={},
            started=_time(raw.get("started", "")),
            commit=_known(_COMMIT, raw.get("commit", "")),
            scenarios=tuple(
                _matching(one, _NAME, "scenario") for one in raw.get("planned", ())
            ),
        ),
        is_repeatable=is_repeatable,
    )


def _outcome(row: Mapping[str, Any]) -> ReadOutcome:
    verdict = Verdict(row["verdict"])
    # Where the numbers decided, the summary's reason only says them again.
    said = "" if verdict in _COMPARED else formatting.one_line(row["reason"])
    return ReadOutcome(
        name=_matching(row["name"], _NAME, "scenario"),
        judgement=Judgement(
            verdict=verdict,
            reason=said[:_MOST_CHARACTERS],
            quantities=tuple(_judged(one) for one in row.get("quantities", ())),
            # A run that was settled side by side began without --perf-against.
            against="" if row.get("before") else _known(_HASH, row.get("against") or ""),
        ),
    )


def _judged(one: Mapping[str, Any]) -> Judged:
    name, change, tolerance = one["quantity"], one["change"], one["tolerance"]
    if name not in _QUANTITIES:
        raise ValueError(f"{name!r} is no quantity that is judged")
    if change is None or tolerance is None or not 0.0 < tolerance < 1.0:
        raise ValueError(f"{name}: a change and a tolerance between 0 and 1 are needed")
    return Judged(
        quantity=name,
        change=Estimate(
            point=_number(change["estimate"]),
            low=_number(change["low"]),
            high=_number(change["high"]),
            confidence=_number(change["confidence"]),
        ),
        tolerance=_number(tolerance),
        verdict=Verdict(one["verdict"]),
    )


def _are_options(words: Sequence[str]) -> bool:
    """Return whether each is an option that a run writes, followed by its value."""
    names, values = words[::2], words[1::2]
    are_pairs = len(names) == len(values) <= len(_OPTIONS)
    return are_pairs and _OPTIONS.issuperset(names) and all(map(_is_value, values))


def _is_value(word: str) -> bool:
    is_short = 0 < len(word) <= _LONGEST_VALUE
    return is_short and word.isprintable() and not word.startswith("-")


def _matching(text: str, pattern: re.Pattern[str], what: str) -> str:
    if pattern.fullmatch(text):
        return text
    raise ValueError(f"{text!r} is not a valid {what}")


def _known(pattern: re.Pattern[str], text: str) -> str:
    """Return a text that has this form, or nothing."""
    return text if pattern.fullmatch(text) else ""


def _seed(seed: int) -> int:
    if abs(seed) > _MOST_SEED:
        raise ValueError("the seed is too large")
    return int(seed)


def _time(text: str) -> str:
    """Return a time in the form that is written here, or nothing."""
    try:
        return datetime.fromisoformat(text).isoformat(timespec="seconds")
    except ValueError:
        return ""


def _number(value: float) -> float:
    """Return a number that a plot can show; an interval can end nearly anywhere."""
    return float(min(value, _LARGEST))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def _short(fault: object) -> str:
    # A message of jsonschema quotes what it refuses, which may be the whole file.
    return formatting.one_line(str(fault)[: 2 * _MOST_CHARACTERS])[:_MOST_CHARACTERS]
