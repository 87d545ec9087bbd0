"""What the page of the trend shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perf.stats import Estimate, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRun:
    """The result of one scenario in one run."""

    at: str
    """When it began, in UTC, as a reader sees it."""

    commit: str
    """The commit; empty where it is unknown."""

    changed: bool
    """Whether the files were not those of the commit."""

    verdict: Verdict

    level: Estimate | None
    """The figure at the mean pace of the series; None where it was not measured.

    Goodput is as it was: it does not depend on the pace.
    """

    measured_rps: float | None
    """The figure as it was."""

    counts: bool
    """Whether it takes part in the search for changes: it is valid and undisturbed."""

    baseline: str
    """The baseline's file; empty where there was none."""

    news: Sequence[str]
    """What is not as in the run before: versions, kernel, settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A change of the level."""

    place: int
    """The first run after it, from 0."""

    good: int
    """A run before it, three runs from `place` where there are so many."""

    bad: int
    """A run after it, as far on the other side: the place can be wrong by two."""

    change: Estimate
    """The level after it, over that before, with its 95 % interval."""

    commits: Sequence[str] | None
    """The commits after the good run up to the bad one; None if unknown."""

    command: str
    """What finds the commit; empty where no commit can have caused it, or none is known."""

    why_no_command: str
    """Why there is no command; empty where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendSeries:
    """One scenario on one machine class, with one model and the same options."""

    name: str

    about: str
    """What else must be equal: machine class, runtime, device, profile, model, options."""

    figure: str
    """What is shown: throughput, goodput or capacity."""

    runs: Sequence[TrendRun]
    shifts: Sequence[Shift]

    levels: Sequence[float | None]
    """The mean level between two changes, for each run."""

    left_out: int = 0
    """How many older runs are not shown."""
