"""What makes a measurement fair: each check of each scenario, beside its limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from perf.judge import validity
from perf.judge.validity import Shares
from perf.report import derived, formatting
from perf.report.page.tables import Cell, PageTable
from perf.report.result import ScenarioResult
from perf.report.run import RunResults
from perf.stats import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One column of the table."""

    what: str

    limit: str
    """The limit in words."""

    cell: Callable[[ScenarioResult, RunResults], Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """The answer, and what it rests on."""

    answer: str
    broken: Sequence[str]
    table: PageTable


def fairness_of(run: RunResults) -> Fairness:
    """Return all checks, with one row for each scenario."""
    headings = [Cell(text=one.what, kind="number", why=one.limit) for one in CHECKS]
    rows = [
        [
            Cell(text=formatting.one_line(result.name)),
            *(check.cell(result, run) for check in CHECKS),
        ]
        for result in run.scenarios
    ]
    broken = [
        f"{row[0].text}: {check.what} {cell.text}; limit: {check.limit}."
        for row in rows
        for check, cell in zip(CHECKS, row[1:], strict=True)
        if cell.kind == "beyond"
    ]
    return Fairness(
        answer=_answer(run, rows, broken),
        broken=broken,
        table=PageTable(
            label="Checks", headings=[Cell(text="scenario"), *headings], rows=rows
        ),
    )


def _answer(run: RunResults, rows: Sequence[Sequence[Cell]], broken: Sequence[str]) -> str:
    """Return the answer in words: yes only where every check of every row was made."""
    if broken:
        return "No. These limits were broken:"
    unknown = [
        row[0].text
        for row, result in zip(rows, run.scenarios, strict=True)
        if result.judgement.verdict is Verdict.INVALID
        or any(cell.text == formatting.UNKNOWN for cell in row[1:])
    ]
    return f"Not known for: {', '.join(unknown)}." if unknown else _FAIR


def _number(text: str, *, is_beyond: bool) -> Cell:
    return Cell(text=text, kind="beyond" if is_beyond else "number")


def _cpu(what: str, limit: float, share: Callable[[Shares], float]) -> Check:
    """Return the check of a share of the CPU, the larger one of both arms."""

    def cell(result: ScenarioResult, _: RunResults) -> Cell:
        percents = [share(seen) for seen in result.conditions.values()]
        highest = max(percents, default=None)
        is_beyond = highest is not None and highest > limit
        return _number(formatting.percent(highest, 1), is_beyond=is_beyond)

    return Check(what=what, limit=f"at most {limit:g} %", cell=cell)


def _answers(result: ScenarioResult, _: RunResults) -> Cell:
    bad = result.requests.failed + result.requests.wrong
    return _number(f"{bad} of {result.requests.total}", is_beyond=bad > 0)


def _headroom(result: ScenarioResult, run: RunResults) -> Cell:
    """Return how many times the scenario's rate the harness does alone."""
    sends_open = result.capacity or result.offered
    ceiling_rps = None
    if run.harness:
        ceiling_rps = run.harness.open_rps if sends_open else run.harness.ceiling_rps
    known, fastest_rps = formatting.finite(ceiling_rps), _fastest_rps(result)
    if known is None or not fastest_rps:
        return _number(formatting.UNKNOWN, is_beyond=False)
    is_beyond = bool(validity.saturation(fastest_rps, known))
    return _number(formatting.ratio(known / fastest_rps), is_beyond=is_beyond)


def _fastest_rps(result: ScenarioResult) -> float | None:
    """Return the highest rate that was offered, or else the throughput."""
    if result.capacity and result.capacity.attained:
        return formatting.finite(max(result.capacity.attained))
    if result.offered:
        return formatting.finite(result.offered.rate_rps)
    return formatting.finite(derived.throughput_rps(result))


def _null_control(result: ScenarioResult, _: RunResults) -> Cell:
    """Return the ratio of the reference to itself; nothing in other rows."""
    judgement = result.judgement
    of_trees = bool(judgement.against) and judgement.before is None
    if not result.is_reference or of_trees:
        return _number("", is_beyond=False)
    ratio = validity.null_ratio(result.pairs)
    is_biased = bool(validity.null_control(result.pairs))
    return _number(formatting.interval(ratio), is_beyond=is_biased)


def _replaced(result: ScenarioResult, _: RunResults) -> Cell:
    return _number(str(len(result.replaced)), is_beyond=False)


_FAIR = "Yes: no limit was broken."
_CONFIDENCE = formatting.fraction(validity.NULL_CONFIDENCE)
_NULL = formatting.fraction(validity.NULL_CONTROL)
CHECKS: tuple[Check, ...] = (
    Check(what="failed or wrong answers", limit="none", cell=_answers),
    _cpu(
        "CPU stolen by the host", validity.STOLEN_PERCENT, lambda seen: seen.stolen_percent
    ),
    _cpu(
        "CPU of other processes",
        validity.FOREIGN_PERCENT,
        lambda seen: seen.foreign_percent,
    ),
    _cpu(
        "CPU throttled",
        validity.THROTTLED_PERCENT,
        lambda seen: seen.throttled_percent,
    ),
    _cpu(
        "CPU of the waiting arm",
        validity.IDLE_ARM_PERCENT,
        lambda seen: seen.idle_arm_percent,
    ),
    Check(
        what="harness alone, over the scenario's rate",
        limit=f"at least {validity.HEADROOM:g} times",
        cell=_headroom,
    ),
    Check(
        what="null control at equal pace",
        limit=f"part of its {_CONFIDENCE} interval lies within {_NULL} of 1",
        cell=_null_control,
    ),
    Check(what="pairs measured again", limit="no limit", cell=_replaced),
)
"""All checks; docs/method.md says what follows from each."""
