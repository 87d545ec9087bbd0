"""What a reader needs first, in GitHub's Markdown: the outcome, what changed, a plot.

It opens the page of a CI job, and is the comment on a pull request.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TypeVar

from perf.report import formatting
from perf.report.headline import SEVERITY, headline, moved, worst
from perf.report.outcome import Outcome
from perf.report.page.tone import symbol_of
from perf.report.rendering import code, escape, preformatted
from perf.report.text_plot import KEY, change_lines
from perf.stats import Verdict

T = TypeVar("T", bound=Outcome)

CHANGED = (Verdict.REGRESSED, Verdict.INVALID, Verdict.IMPROVED)
"""The verdicts that a reader must know of."""

_MOST_ROWS = 30
_MOST_SCENARIOS = 100
_MOST_CHARACTERS = 200  # of a reason


def changed(outcomes: Sequence[T]) -> list[T]:
    """Return the scenarios that changed, the worst verdict first."""
    found = [one for one in outcomes if one.judgement.verdict in CHANGED]
    return sorted(found, key=lambda one: SEVERITY.index(one.judgement.verdict))


def title(outcomes: Sequence[Outcome], planned: Sequence[str] = ()) -> str:
    """Return the headline with the symbol of the worst verdict, in bold."""
    said = f"{symbol_of(worst(outcomes))} {escape(headline(outcomes, planned))}"
    return f"**{said.strip()}**"


def changed_rows(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the table of the scenarios that changed; empty where none did."""
    found = changed(outcomes)
    if not found:
        return []
    lines = ["| scenario | verdict | what changed |", "|:--|:--|:--|"]
    lines += [
        f"| {code(one.name)} | {symbol_of(one.judgement.verdict)} {one.judgement.verdict} "
        f"| {_what(one)} |"
        for one in found[:_MOST_ROWS]
    ]
    if len(found) > _MOST_ROWS:
        lines.append(f"| and {len(found) - _MOST_ROWS} more | | |")
    return [*lines, ""]


def all_rows(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a table of all scenarios in their order, with what is judged first."""
    lines = ["| scenario | verdict | change |", "|:--|:--|--:|"]
    for one in outcomes[:_MOST_SCENARIOS]:
        verdict, change = one.judgement.verdict, one.judgement.change
        shown = formatting.change_interval(change)
        lines.append(f"| {code(one.name)} | {symbol_of(verdict)} {verdict} | {shown} |")
    if len(outcomes) > _MOST_SCENARIOS:
        lines.append(f"| and {len(outcomes) - _MOST_SCENARIOS} more | | |")
    return [*lines, ""]


def plot(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the plot of the changes with its key; empty where nothing was compared."""
    lines = change_lines(outcomes[:_MOST_ROWS])
    return [*preformatted("\n".join(lines)), "", f"<sub>{KEY}</sub>", ""] if lines else []


def _what(outcome: Outcome) -> str:
    """Return what changed, or why there is no change to show."""
    if told := moved(outcome):
        return escape("; ".join(told))
    reason = outcome.judgement.reason
    return code(textwrap.shorten(reason, _MOST_CHARACTERS, placeholder=" [...]"))
