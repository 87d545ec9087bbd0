"""What the page of the trend shows, in the order in which it shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perf.report import formatting
from perf.report.page.anchors import card_id
from perf.report.page.plot import Plot
from perf.report.page.tone import symbol_of, tone_of
from perf.report.trend.history import Shift, TrendRun, TrendSeries
from perf.report.trend.plot import trend_plot
from perf.stats import Verdict
from perf.stats.change_points import FEWEST_RUNS, LEVEL, SMALLEST

_FEW = 2 * FEWEST_RUNS
_SHORT = 12  # digits of a commit
_MOST_COMMITS = 10
_KICKER = "Inference serving performance, from run to run"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One change of the level."""

    tone: str
    symbol: str

    anchor: str
    """The id of the scenario's plot."""

    name: str
    said: str

    commits: Sequence[str]
    """The commits in question, the newest first."""

    command: str
    why_no_command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """One scenario."""

    anchor: str
    name: str
    said: str
    plot: Plot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """What was measured on one machine class, in the same way."""

    about: str
    series: Sequence[SeriesView]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendView:
    """All that the template needs."""

    kicker: str
    headline: str
    tone: str
    symbol: str
    facts: Sequence[str]
    changes: Sequence[ChangeView]
    groups: Sequence[GroupView]


def trend_of(history: Sequence[TrendSeries]) -> TrendView:
    """Return the page of a history, which may be empty."""
    numbered = list(enumerate(history, start=1))
    shifts = [one for series in history for one in series.shifts]
    verdict = _worst(history, shifts)
    groups: dict[str, list[SeriesView]] = {}
    for number, series in numbered:
        groups.setdefault(series.about, []).append(_series(number, series))
    changes = [
        (series.runs[one.place].at, _change(number, series, one, where=len(groups) > 1))
        for number, series in numbered
        for one in series.shifts
    ]
    newest_first = sorted(changes, key=lambda dated: dated[0], reverse=True)
    return TrendView(
        kicker=_KICKER,
        headline=_headline(history, shifts),
        tone=tone_of(verdict),
        symbol=symbol_of(verdict),
        facts=list(_facts(history)),
        changes=[change for _, change in newest_first],
        groups=[
            GroupView(about=formatting.one_line(about), series=found)
            for about, found in groups.items()
        ],
    )


def _worst(history: Sequence[TrendSeries], shifts: Sequence[Shift]) -> Verdict | None:
    if not history:
        return None
    if any(_is_loss(one) for one in shifts):
        return Verdict.REGRESSED
    if shifts:
        return Verdict.IMPROVED
    return Verdict.UNCHANGED if any(map(_is_long, history)) else None


def _is_long(series: TrendSeries) -> bool:
    """Return whether a change could be found: with enough runs on either side."""
    return sum(run.counts for run in series.runs) >= _FEW


def _is_loss(one: Shift) -> bool:
    return one.change.point < 1.0


def _runs(history: Sequence[TrendSeries]) -> int:
    """Return how many runs the series have together.

    Scenarios of one run begin in the same minute. So do short runs, one after the other.
    """
    most: dict[tuple[str, str], int] = {}
    for series in history:
        for at, number in Counter(run.at for run in series.runs).items():
            key = (series.about, at)
            most[key] = max(most.get(key, 0), number)
    return sum(most.values())


def _headline(history: Sequence[TrendSeries], shifts: Sequence[Shift]) -> str:
    if not history:
        return "The history is empty."
    if not shifts:
        searched = [series for series in history if _is_long(series)]
        if not searched:
            return f"Too few runs to find a change in {_where(history)}."
        least = formatting.fraction(SMALLEST)
        return f"No change of {least} or more was found in {_where(searched)}."
    losses = sum(map(_is_loss, shifts))
    found = [
        _number(number, word)
        for number, word in ((losses, "loss"), (len(shifts) - losses, "gain"))
        if number
    ]
    return f"{' and '.join(found)} in {_where(history)}."


def _where(history: Sequence[TrendSeries]) -> str:
    names = {series.name for series in history}
    return f"{_number(len(names), 'scenario')} over {_number(_runs(history), 'run')}"


def _number(number: int, word: str) -> str:
    ending = "" if number == 1 else "es" if word.endswith("s") else "s"
    return f"{number} {word}{ending}"


def _facts(history: Sequence[TrendSeries]) -> Iterator[str]:
    if not history:
        yield "Add the results of a run: tox -e perf -- --perf-history history."
        return
    short = [one for one in history if not _is_long(one)]
    if short:
        yield (
            f"A change needs {FEWEST_RUNS} runs before it and as many after it; scenarios "
            f"with fewer than {_FEW} runs so far: {len(short)} of {len(history)}."
        )
    yield (
        "If nothing changed and runs are independent, the page shows a false change in "
        f"{formatting.fraction(LEVEL)} of the histories. A page that is drawn every night "
        "shows one more often; perf/trust/TREND.md says how often."
    )
    if left_out := max(one.left_out for one in history):
        yield f"Older runs are not shown: up to {left_out} of a scenario."


def _series(number: int, series: TrendSeries) -> SeriesView:
    said = [formatting.change_interval(one.change) for one in series.shifts]
    return SeriesView(
        anchor=card_id(number),
        name=formatting.one_line(series.name),
        said=", then ".join(said),
        plot=trend_plot(series),
    )


def _change(number: int, series: TrendSeries, one: Shift, *, where: bool) -> ChangeView:
    """Return one change; `where` says whether the page has several machine classes."""
    verdict = Verdict.REGRESSED if _is_loss(one) else Verdict.IMPROVED
    good, bad = series.runs[one.good], series.runs[one.bad]
    about = f"at about {series.runs[one.place].at}, "
    commits = list(one.commits or ())
    shown = commits[:_MOST_COMMITS]
    if more := len(commits) - len(shown):
        shown.append(f"and {more} more")
    return ChangeView(
        tone=tone_of(verdict),
        symbol=symbol_of(verdict),
        anchor=card_id(number),
        name=formatting.one_line(series.name),
        said=formatting.one_line(
            f"{formatting.change_interval(one.change)} {about}"
            f"between {_named(good)} and {_named(bad)}"
            f"{f' ({series.about})' if where else ''}"
        ),
        commits=[formatting.one_line(commit) for commit in shown],
        command=formatting.one_line(one.command),
        why_no_command=formatting.one_line(one.why_no_command),
    )


def _named(run: TrendRun) -> str:
    commit = run.commit[:_SHORT] or "an unknown commit"
    return f"{commit} of {run.at}"
