"""The formats: each renders any run, and all of them show the same cells."""

from __future__ import annotations

import html
import importlib
import inspect
import pkgutil
import re
from dataclasses import replace

import pytest
from hypothesis import given

from perf.report import formats
from perf.report.figures.base import Section
from perf.report.formats import EXPORTERS, MARKDOWN, TERMINAL
from perf.report.message import explain
from perf.report.notes import notes
from perf.report.result import Requests
from perf.report.run import RunResults
from perf.report.sections import table_of
from perf.stats import Estimate, Verdict
from tests.support.any_results import runs, untimed
from tests.support.results import (
    BATCH,
    LIMITED,
    LOCAL,
    SETTLED,
    UNREAD,
    judged,
    rejudged,
    run_of,
)


def cells_of(markdown_row: str) -> list[str]:
    """Return the cells of a row of Markdown as a page shows them."""
    cells = re.split(r"(?<!\\)\|", markdown_row)[1:-1]
    return [html.unescape(re.sub(r"\\([|`*_~])", r"\1", cell.strip())) for cell in cells]


def test_every_format_is_registered() -> None:
    """No file of formats is forgotten, and no two write the same file."""
    known = {type(exporter) for exporter in EXPORTERS}
    for module in pkgutil.iter_modules(formats.__path__):
        found = importlib.import_module(f"perf.report.formats.{module.name}")
        classes = [one for _, one in inspect.getmembers(found, inspect.isclass)]
        assert known & {one for one in classes if one.__module__ == found.__name__}
    names = [exporter.file_name for exporter in EXPORTERS if exporter.file_name]
    assert len(set(names)) == len(names)


@untimed
@given(runs)
def test_every_format_renders_any_run(run: RunResults) -> None:
    """Whatever was measured, every format is rendered, and every message has one line."""
    for exporter in EXPORTERS:
        assert exporter.render(run)
    for result in run.scenarios:
        assert "\n" not in explain(result, run.header)


@untimed
@given(runs)
def test_text_and_markdown_have_the_same_cells(run: RunResults) -> None:
    """Both have one row for each scenario in each section, with the figures' cells."""
    folded = MARKDOWN.render(run).partition("<summary>All figures</summary>\n")[2]
    text, page = TERMINAL.render(run).split("\n"), folded.split("\n")
    for place, section in enumerate(Section if run.scenarios else ()):
        rows = table_of(section, run.scenarios).rows
        expected = [[" ".join(cell.split()) for cell in row] for row in rows]
        starts = [n for n, line in enumerate(page) if re.fullmatch(r"\|[:|-]+\|", line)]
        first = starts[place] + 1
        assert [cells_of(line) for line in page[first : first + len(rows)]] == expected
        starts = [n for n, line in enumerate(text) if re.fullmatch(r"-+(  -+)+", line)]
        first = starts[place] + 1
        for line, row in zip(text[first : first + len(rows)], expected, strict=True):
            assert line.split() == " ".join(row).split()


@pytest.mark.parametrize(
    ("quantities", "line"),
    [
        ((), None),
        (("throughput",), None),
        (("capacity", "memory"), "peak memory"),
        (("throughput", "p99", "memory"), "peak memory and p99 of the latency"),
        (
            ("throughput", "memory", "cpu", "p99"),
            "peak memory, CPU time of an image and p99 of the latency",
        ),
    ],
)
def test_the_legend_names_what_was_judged(
    quantities: tuple[str, ...], line: str | None
) -> None:
    """No more than that: a run without a baseline judges nothing, a search no p99."""
    found = tuple(
        judged(1.0, 0.99, 1.01, Verdict.UNCHANGED, quantity=name) for name in quantities
    )
    lines = notes(run_of(rejudged(BATCH, quantities=found)))
    said = [one.partition("; ")[0] for one in lines if one.startswith("also judged: ")]
    assert said == ([] if line is None else [f"also judged: {line}"])


def test_text_says_what_the_columns_mean_and_what_each_scenario_has_to_say() -> None:
    """Header, columns, baseline, harness and remarks each have one line."""
    requests = Requests(total=240, failed=3, wrong=1)
    failing = rejudged(replace(BATCH, name="serving-single", requests=requests))
    usage = replace(UNREAD.usage, peak_memory_bytes=5, memory_kind="rss")
    unread = replace(UNREAD, usage=usage)
    lines = TERMINAL.render(run_of(BATCH, failing, unread)).split("\n")
    assert lines[0] == (
        "profile standard; model resnet152; runtime process (no Docker engine answers); "
        "device cpu; machine class x86_64-2cores-avx512-24GiB; seed 7"
    )
    notes = dict(line.split(": ", 1) for line in lines[lines.index("") + 15 :])
    since = "since then: kernel 6.1 -> 6.8, torch 2.13.0 -> 2.14.1"
    assert notes == {
        "change of throughput": "since the baseline, or from the other tree to this one, "
        "at equal pace of the cores; it is judged against the tolerance; its interval [ ] "
        "decided on the verdict (99.5 % confidence)",
        "also judged": "peak memory; a line below names each one that regressed",
        "efficiency": "throughput over that of the model alone, which is measured beside "
        "each block in as many processes and threads",
        "ratio": "throughput over that of the reference; for information, with its "
        "interval [ ] (95 % confidence)",
        "CPU": "share of all usable cores; CPU of harness: the part of it that the harness "
        "takes; -: not known",
        "baseline": "0001_resnet152.json",
        "memory marked rss": "shared pages count once for each process",
        "harness": "at most 262 jobs/s, 24 at a time, with a server that answers at once; "
        "3.4 ms of CPU a job; 55.6 times the fastest scenario (serving-batch)",
        "serving-batch": since,
        "serving-single": f"{since}; 240 jobs, 3 failed, 1 answered wrongly",
        "serving-workers-2": "the stored baseline is of another machine class",
    }


def test_the_smaller_tolerance_is_explained_where_a_row_was_settled() -> None:
    """A run in which nothing was measured side by side says nothing of it."""
    smaller = "judged against the tolerance, which is smaller side by side; "
    run = run_of(BATCH, rejudged(BATCH, against="the baseline's commit 383fe61f7988"))
    for exporter in (TERMINAL, MARKDOWN):
        assert smaller in exporter.render(run)
        assert "side by side" not in exporter.render(run_of(BATCH))


def test_confidences_that_differ_are_given_as_a_range() -> None:
    """The interval of each scenario has its own confidence; the note gives both ends."""
    change = Estimate(point=1.0, low=0.9, high=1.1, confidence=0.9994)
    (first, *_) = BATCH.judgement.quantities
    run = run_of(BATCH, rejudged(BATCH, quantities=(replace(first, change=change),)))
    for exporter in (TERMINAL, MARKDOWN):
        assert "decided on the verdict (99.5 % to 99.94 % confidence)" in exporter.render(
            run
        )


def test_the_null_control_has_a_line_of_its_own() -> None:
    """Where the reference was measured, its ratio to itself is told, and only there."""
    line = (
        "null control: the ratio of the reference to itself is 0.967 [0.946, 0.990], and "
        "should be 1"
    )
    assert TERMINAL.render(run_of(LOCAL, BATCH)).split("\n").count(line) == 1
    assert f"\n- {line}\n" in MARKDOWN.render(run_of(LOCAL, BATCH))
    for exporter in (TERMINAL, MARKDOWN):
        assert "null control" not in exporter.render(run_of(BATCH, UNREAD))


def test_turns_are_told_once() -> None:
    """A line says that both trees ran at the same time, where some did."""
    said = "side by side: both trees ran in the same minutes, in turns of 0.5 s; times are"
    assert TERMINAL.render(run_of(SETTLED, SETTLED, BATCH)).count(said) == 1
    assert "in turns" not in TERMINAL.render(run_of(BATCH))


def test_a_run_without_scenarios_or_harness_is_still_a_report() -> None:
    """A run that measured nothing says so instead of failing."""
    nothing = run_of(harness=None)
    assert "harness: what it can do was not measured" in TERMINAL.render(nothing)
    assert "No scenario was measured" in MARKDOWN.render(nothing)


def test_markdown_escapes_what_would_change_the_page() -> None:
    """A pipe stays inside its cell, and a tag or an emphasis is shown as it is."""
    page = MARKDOWN.render(
        run_of(rejudged(replace(UNREAD, name="a|b\\|c"), reason="<b>*late*</b>"))
    )
    assert "| a\\|b&#92;\\|c " in page
    assert "- a\\|b&#92;\\|c: &lt;b&gt;\\*late\\*&lt;/b&gt;" in page
    assert "Some CPU \\| 2 cores" in page


def test_markdown_has_the_outcome_at_its_head_and_the_rest_folded() -> None:
    """Outcome, changed rows, plot and command are seen at once; figures are folded."""
    page = MARKDOWN.render(run_of(BATCH, UNREAD))
    seen, *folded = page.split("<details>\n")
    assert seen.startswith("## ")
    assert "**▼ 1 of 2 regressed: serving-batch, throughput " in seen
    assert "| `serving-batch` | ▼ regressed | throughput -19.8 % [" in seen
    assert "├──●──┤" in seen
    assert "\ntox -e serving-batch -- --perf-seed 7 --perf-runtime process\n" in seen
    assert "### Verdicts" in folded[0]
    assert len(folded) == 3
    assert "- harness: at most 262 jobs/s" in page
    assert "<summary>Versions</summary>\n\n| versions" in page
    assert page.endswith("</details>\n")


def test_limits_have_a_table_of_their_own() -> None:
    """It names the fastest layout, the share of it, and every part of an image's time."""
    told = (
        "litserve-openvino  4.72/s  1 x 2 threads, batch 8  5.00/s  "
        "2 x 1 threads, batch 8  9.43/s  50.0 %  3210 ms  -12 ms  "
        "300.0 ms  -1.0 ms  12.5 ms"
    )
    run = run_of(BATCH, LIMITED)
    assert told.split() in [line.split() for line in TERMINAL.render(run).split("\n")]
    page = MARKDOWN.render(run)
    assert "\n### Limits\n\n| scenario" in page
    assert told.split("  ") in [cells_of(line) for line in page.split("\n")]
    for exporter in (TERMINAL, MARKDOWN):
        assert "rest of the server" not in exporter.render(run_of(BATCH))
