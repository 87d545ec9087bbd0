"""What the page shows, in the order in which it shows it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from perf.config.header import RunHeader
from perf.judge.judgement import passes
from perf.report import formatting, repeating
from perf.report.advice import advice
from perf.report.document import document
from perf.report.figures.base import Section
from perf.report.headline import headline, worst
from perf.report.more_tables import more_tables
from perf.report.notes import notes
from perf.report.page.card import Card, cards
from perf.report.page.comparisons import change_plot, ratio_plot, throughput_plot
from perf.report.page.facts import by_severity, facts, fastest, outcomes
from perf.report.page.fairness import Fairness, fairness_of
from perf.report.page.settings import settings_line, shared_settings
from perf.report.page.strips import StripPlot
from perf.report.page.tables import PageTable, page_table, section_table
from perf.report.page.tone import symbol_of, tone_of
from perf.report.rendering import Table
from perf.report.result import ScenarioResult
from perf.report.run import RunResults
from perf.report.sections import header_line
from perf.stats import Verdict

_WHAT = "Inference serving performance"
_SHORT = 12  # digits of a commit
_NAMED = 3  # scenarios that fail
_GOOD = {Verdict.UNCHANGED, Verdict.IMPROVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedTable:
    """A table with the note that explains it."""

    table: PageTable
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """All that the templates need."""

    kicker: str
    """Which run this is, above the headline."""

    headline: str
    tone: str
    symbol: str

    passed: str
    """Whether the verdicts let the run pass; empty where there is none."""

    outcomes: Sequence[str]
    """Why each scenario is not unchanged."""

    facts: Sequence[str]
    """What else belongs to the outcome."""

    lead: str
    """What was found beside the verdict; empty where that is nothing."""

    advice: Sequence[str]
    """What follows from a run that was not judged; it takes the place of `lead`."""

    repeated: str
    """The first scenario with the worst verdict; empty where there is none."""

    command: str
    """What repeats it."""

    header_line: str
    change: StripPlot | None
    tables: Sequence[NotedTable]
    notes: Sequence[str]
    comparisons: Sequence[StripPlot]

    settings: str
    """Those that all scenarios share."""

    cards: Sequence[Card]
    fairness: Fairness | None
    provenance: Sequence[PageTable]

    summary: str
    """What summary.json holds: gzip in Base64, which takes a third of the room."""


def page_of(run: RunResults) -> PageView:
    """Return the page of what was measured so far, which may be nothing."""
    results, header = run.scenarios, run.header
    verdict, ranked = worst(results), by_severity(results)
    verdict = None if run.missing and verdict in _GOOD else verdict
    plots = (ratio_plot(results), throughput_plot(results))
    said = advice(results, run.missing)
    return PageView(
        kicker=_kicker(header),
        headline=headline(results, run.planned),
        tone=tone_of(verdict),
        symbol=symbol_of(verdict),
        passed=_passed(run),
        lead="" if said else fastest(results),
        advice=said,
        outcomes=list(outcomes(results)),
        facts=list(facts(run)),
        repeated=formatting.one_line(ranked[0].name) if ranked else "",
        command=formatting.one_line(repeating.again(ranked[0], header)) if ranked else "",
        header_line=header_line(header),
        change=change_plot(results),
        tables=list(_tables(results)),
        notes=notes(run),
        comparisons=[plot for plot in plots if plot],
        settings=settings_line(shared_settings(results)),
        cards=cards(results, header),
        fairness=fairness_of(run) if results else None,
        provenance=list(_provenance(header)),
        summary=_packed(document(run)),
    )


def _passed(run: RunResults) -> str:
    """Return whether the verdicts let the run pass, by the rule of its exit code."""
    required = run.header.baseline_required
    failing = [
        formatting.one_line(one.name)
        for one in by_severity(run.scenarios)
        if not passes(one.judgement.verdict, baseline_required=required)
    ]
    if failing:
        more = f" and {len(failing) - _NAMED} more" if len(failing) > _NAMED else ""
        return f"Failed: {', '.join(failing[:_NAMED])}{more}."
    if not run.scenarios:
        return ""
    return (
        "No verdict so far fails the run." if run.missing else "No verdict fails the run."
    )


def _packed(data: Mapping[str, object]) -> str:
    """Return data as JSON, compressed, in characters that need no escape in a page."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _kicker(header: RunHeader) -> str:
    """Return the date and the commit, as far as they are known."""
    date = header.started.replace("T", " ").replace("+00:00", " UTC")
    tree, *rest = header.commit.split(maxsplit=1) or [""]
    commit = " ".join(["commit", tree[:_SHORT], *rest]) if tree else ""
    return formatting.one_line(", ".join(filter(None, (_WHAT, date, commit))))


def _tables(results: Sequence[ScenarioResult]) -> Iterator[NotedTable]:
    if not results:
        return
    for section in Section:
        yield NotedTable(table=section_table(section, results))
    for title, table, note in more_tables(results):
        yield NotedTable(table=page_table(title, table), note=note)


def _provenance(header: RunHeader) -> Iterator[PageTable]:
    run = {
        "started": header.started,
        "commit": header.commit,
        "profile": header.profile,
        "model": header.model,
        "runtime": header.runtime,
        "device": header.device,
        "machine class": header.machine_class,
        "seed": str(header.seed),
    }
    for title, known in (
        ("Run", run),
        ("Machine", header.machine),
        ("Versions", header.versions),
    ):
        rows = [
            [formatting.one_line(name), formatting.one_line(value) or formatting.UNKNOWN]
            for name, value in known.items()
        ]
        if rows:
            yield page_table(
                title,
                Table(
                    headings=[title.lower(), "value"],
                    alignment=["left", "left"],
                    rows=rows,
                ),
            )
