"""The figures: each defined once, each where it belongs."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from typing import Any

import pytest

from perf.report import document, figures, schema
from perf.report.figures import FIGURES
from perf.report.figures.base import Figure, Section
from perf.report.formats import EXPORTERS
from perf.report.sections import table_of
from tests.support.results import BATCH, LIMITED, LOCAL, UNREAD, run_of


def rows(section: Section, *results: Any) -> list[list[str]]:  # noqa: ANN401 -- results
    """Return the cells of a section's table."""
    return [list(row) for row in table_of(section, results).rows]


def test_every_figure_is_registered() -> None:
    """No file of figures is forgotten by the registry."""
    for module in pkgutil.iter_modules(figures.__path__):
        found = importlib.import_module(f"perf.report.figures.{module.name}")
        for figure in getattr(found, "FIGURES", ()):
            assert figure in FIGURES


def test_every_figure_has_a_key_of_its_own() -> None:
    """No figure overwrites another, or lies inside another's value."""
    paths = [figure.path for figure in FIGURES]
    assert len(set(paths)) == len(paths)
    assert not {path.partition(".")[0] for path in paths if "." in path} & set(paths)


def test_every_column_has_a_heading() -> None:
    """A figure has a heading exactly where it is a column."""
    for figure in FIGURES:
        assert bool(figure.heading) == bool(figure.sections), figure.path


def test_verdicts_have_the_change_directly_before_the_verdict() -> None:
    """What is judged stands beside the verdict; what is not known is a dash."""
    assert rows(Section.VERDICTS, BATCH, UNREAD) == [
        [
            "serving-batch",
            "4.72/s",
            "2.50 [2.41, 2.60]",
            "3.12",
            "0.625",
            "10 %",
            "-19.8 % [-22.8, -16.5]",
            "regressed",
        ],
        ["serving-workers-2", "-", "-", "-", "-", "10 %", "-", "no baseline"],
    ]


def test_usage_has_each_figure_with_its_unit() -> None:
    """A value that could not be read is a dash, never a zero. Other columns may join."""
    headings = table_of(Section.USAGE, [BATCH]).headings
    known = (
        "scenario",
        "jobs",
        "time",
        "latency p50",
        "latency p99",
        "CPU mean",
        "CPU max",
    )
    for result, cells in (
        (BATCH, ("serving-batch", "24", "58.3 s", "4802 ms", "5212 ms", "92 %", "100 %")),
        (UNREAD, ("serving-workers-2", "24", *["-"] * 5)),
    ):
        (row,) = rows(Section.USAGE, result)
        shown = dict(zip((h.replace("\n", " ") for h in headings), row, strict=True))
        assert dict(zip(known, cells, strict=True)).items() <= shown.items()


def test_agreement_is_shown_only_where_an_engine_has_one() -> None:
    """With an engine that is not the checkpoint the column joins, for all scenarios."""
    agreed = replace(BATCH, agreement=0.992)
    assert [row[-1] for row in rows(Section.USAGE, agreed, LOCAL)] == ["99.2 %", "-"]
    assert "agreement" not in table_of(Section.USAGE, [BATCH]).headings


def test_tables_are_narrow_enough_for_a_terminal() -> None:
    """Each table fits 130 columns."""
    for section in Section:
        text = table_of(section, [BATCH, LOCAL, UNREAD]).as_text()
        assert max(map(len, text.split("\n"))) <= 130


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> Figure[Any]:
    """A figure that joins the others."""
    figure: Figure[Any] = Figure(
        path="block_count",
        value=lambda result: len(result.pairs),
        schema={"description": "How many blocks.", "type": "integer"},
        sections=(Section.USAGE,),
        heading="number\nof blocks",
    )
    more = (*FIGURES, figure)
    for module in ("perf.report.sections", "perf.report.document", "perf.report.schema"):
        monkeypatch.setattr(f"{module}.FIGURES", more)
    return figure


def test_one_definition_puts_a_figure_into_every_format(joined: Figure[Any]) -> None:
    """A figure that joins the registry is in each report, in the JSON and in its schema.

    A metric has a name and a unit of its own, so the file of metrics has what it lists.
    """
    run = run_of(BATCH, LIMITED)
    texts = [one.render(run) for one in EXPORTERS if one.file_name != "metrics.prom"]
    for text in texts:
        assert "of blocks" in text or '"block_count": 2' in text
    written: Any = document.document(run)
    assert written["scenarios"][0]["block_count"] == 2
    described: Any = schema.schema()
    assert described["$defs"]["scenario"]["properties"]["block_count"] == joined.schema
