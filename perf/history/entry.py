"""One line of the history: the result of one scenario in one run."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from perf.judge.stored import StoredPair
from perf.judge.validity import Shares, disturbances
from perf.stats import (
    CAPACITY,
    GOODPUT,
    THROUGHPUT,
    NotMeasuredError,
    Pair,
    Sample,
    TooFewPairs,
    Verdict,
    quantities_of,
)
from perf.stats.change import estimate_level
from serving.errors import ConfigError

FORMAT = 1
_TAIL = 0.025
_DIGITS = 6
_CHANGED = "with changes"  # follows the commit in a summary
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Level(BaseModel):
    """What was measured, by `figure`: a rate at a pace of 1, with its 95 % interval.

    The rate is in images or requests a second. Goodput does not depend on the pace.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    estimate: _Positive
    low: _Positive
    high: _Positive

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if not self.low <= self.estimate <= self.high:
            raise ValueError("the interval does not contain the estimate")
        return self


class Entry(BaseModel):
    """One line. Keys may join; a reader ignores those that it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = FORMAT

    at: str
    """When the run began, in UTC, by ISO 8601."""

    commit: str
    """The commit that was measured; empty where it is unknown."""

    changed: bool
    """Whether the files were not those of the commit."""

    scenario: str
    profile: str
    model: str

    options: tuple[str, ...] = ()
    """Those that chose the model, the images, the amounts and the arrivals.

    As on a command line. Those that are as usual are left out.
    """

    runtime: str
    device: str
    machine_class: str

    figure: str
    """What was judged first: throughput, goodput or capacity."""

    level: Level | None
    """That figure; None where it was not measured."""

    pace: _Positive | None
    """The mean pace of the scenario's blocks, by which `level` was divided; or None."""

    throughput_rps: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    """What `figure` says, as it was: not divided by the pace."""

    launches: int

    verdict: Verdict
    disturbed: bool
    """Whether other programs used too much of the machine."""

    baseline: str
    """The baseline's file; empty where there was none."""

    about: Mapping[str, str]
    """What may explain a change: settings, versions, kernel and CPU."""

    @field_validator("at")
    @classmethod
    def _is_a_time(cls, at: str) -> str:
        datetime.fromisoformat(at)
        return at

    @property
    def time(self) -> datetime:
        """When the run began."""
        found = datetime.fromisoformat(self.at)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    @property
    def computer(self) -> str:
        """What computed the model: cpu, or the name of the card."""
        return self.about.get("card", self.device)

    @property
    def cpu(self) -> str:
        """The name of the machine's CPU; empty where it is unknown.

        A class may hold several: at equal pace one does more of the same work than another.
        """
        return self.about.get("CPU", "")

    @property
    def series(self) -> tuple[str, ...]:
        """What must be equal for two results to be compared."""
        where = (self.machine_class, self.cpu, self.computer, self.runtime)
        what = (self.profile, self.model, shlex.join(self.options))
        return (*where, *what, self.scenario, self.figure)

    @property
    def key(self) -> tuple[str, ...]:
        """What no other result has."""
        return (self.at, *self.series)

    def line(self) -> str:
        """Return the line, without a newline at its end."""
        return json.dumps(self.model_dump(mode="json"), separators=(",", ":"))


def entries_of(summary: Mapping[str, Any]) -> list[Entry]:
    """Return the results that a summary.json holds.

    Raises ConfigError where it holds no results, is of a run side by side, or has no date.
    """
    try:
        rows = summary["scenarios"]
        if any(row.get("against") and not row.get("before") for row in rows):
            raise ConfigError("a run side by side compares two trees, so it has no place")
        return [_entry(summary, row) for row in rows]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = str(error).splitlines()[0]
        raise ConfigError(f"not a summary.json with date and results ({why})") from None


def _figure(pairs: Sequence[Pair], spec: Mapping[str, Any]) -> str:
    """Return what is judged of a row, also of one that failed before its first pair."""
    if pairs:
        return pairs[0].scenario.figure
    if spec.get("rate_rps") is not None:
        return GOODPUT.name
    return THROUGHPUT.name if spec.get("slo_ms") is None else CAPACITY.name


def _entry(summary: Mapping[str, Any], row: Mapping[str, Any]) -> Entry:
    commit, _, changed = str(summary["commit"]).partition(" ")
    pairs = _pairs(row["pairs"])
    figure = _figure(pairs, row.get("spec", {}))
    return Entry(
        at=summary["started"],
        commit=commit,
        changed=changed == _CHANGED,
        scenario=row["name"],
        profile=summary["profile"],
        model=summary["model"],
        options=summary.get("options", ()),
        runtime=summary["runtime"],
        device=summary.get("device", "cpu"),
        machine_class=summary["machine_class"],
        figure=figure,
        level=_level(pairs),
        pace=_pace(pairs),
        throughput_rps=_measured(figure, row),
        launches=len({pair.launch for pair in pairs}),
        verdict=row["verdict"],
        disturbed=_is_disturbed(row),
        baseline=str(row["baseline_file"] or "").rpartition("/")[2],
        about={**summary["machine"], **summary["versions"], "settings": _digest(row)},
    )


def _pairs(rows: Sequence[Any]) -> list[Pair]:
    """Return the pairs; none where they cannot be read, as of an older suite."""
    try:
        return [StoredPair.model_validate(row).pair() for row in rows]
    except ValidationError:
        return []


def _level(pairs: Sequence[Pair]) -> Level | None:
    try:
        found = estimate_level(Sample(pairs), quantities_of(pairs)[0]).interval(_TAIL)
    except (NotMeasuredError, TooFewPairs):
        return None
    if not 0.0 < found.low <= found.high < math.inf:
        return None
    ends = (found.point, found.low, found.high)
    estimate, low, high = map(_short, ends)
    return Level(estimate=estimate, low=low, high=high)


def _pace(pairs: Sequence[Pair]) -> float | None:
    """Return the mean pace; None where it was not measured, or nothing is divided by it."""
    known = [pair.scenario.pace for pair in pairs if pair.scenario.pace]
    if not known or len(known) < len(pairs) or not quantities_of(pairs)[0].paced:
        return None
    return _short(statistics.geometric_mean(known))


def _measured(figure: str, row: Mapping[str, Any]) -> float | None:
    """Return the figure as it was; a search's throughput is that of its closed loops."""
    if figure == CAPACITY.name:
        found = (row.get("capacity") or {}).get("rps")
    elif figure == GOODPUT.name:
        found = (row.get("offered") or {}).get("goodput_rps")
    else:
        found = row["throughput_rps"]
    return None if found is None else _short(found)


def _is_disturbed(row: Mapping[str, Any]) -> bool:
    """Return whether the machine was disturbed while the level was measured.

    Only what was measured on a quiet machine is settled side by side, and the level is that
    of before. The conditions of such a row are those of both measurements.
    """
    if row.get("before"):
        return False
    # Who used most does not matter here, and may be unknown.
    seen = {arm: {**one, "busiest": {}} for arm, one in row.get("conditions", {}).items()}
    known = {arm: Shares(**one) for arm, one in seen.items() if None not in one.values()}
    return bool(disturbances(known))


def _digest(row: Mapping[str, Any]) -> str:
    """Return a short digest of the scenario's settings, so that a change is seen."""
    text = json.dumps(row["spec"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
