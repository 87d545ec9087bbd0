"""The reports: one set of results as text and as Markdown."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from hypothesis import given

from perf.report.message import explain
from perf.report.table import markdown, rows, text_table
from tests.support.results import (
    BATCH,
    HARNESS,
    HEADER,
    LIMITED,
    LOCAL,
    UNREAD,
    Run,
    runs,
    untimed,
)


def cells_of(markdown_row: str) -> list[str]:
    """Return a Markdown row's cells as a page shows them."""
    cells = re.split(r"(?<!\\)\|", markdown_row)[1:-1]
    return [html.unescape(re.sub(r"\\([|`*_~])", r"\1", cell.strip())) for cell in cells]


@untimed
@given(runs)
def test_every_run_can_be_printed(run: Run) -> None:
    """Whatever was measured, both tables have one row per scenario, with the same cells."""
    header, results, _ = run
    expected = [[" ".join(cell.split()) for cell in row] for row in rows(results)]
    page = markdown(*run).split("\n")
    first = next(n for n, line in enumerate(page) if line.startswith("|")) + 2
    on_page = [cells_of(line) for line in page[first : first + len(results)]]
    assert on_page == expected
    in_text = text_table(*run).split("\n")
    start = next(n for n, line in enumerate(in_text) if line.startswith("---")) + 1
    for line, row in zip(in_text[start : start + len(results)], expected, strict=True):
        assert line.split() == " ".join(row).split()
    for result in results:
        assert "\n" not in explain(result, header)


def test_cells_show_each_figure_with_its_unit() -> None:
    """The row has the article's columns; what could not be read is a dash, never a zero."""
    assert rows([BATCH, UNREAD]) == [
        [
            "serving-batch",
            "24",
            "58.3 s",
            "4.71/s",
            "2.50 [2.41, 2.60]",
            "3.12",
            "regressed",
            "0.610",
            "4802 ms",
            "5220 ms",
            "92 %",
            "100 %",
            "1.21 GiB",
        ],
        ["serving-workers-2", "24", "58.3 s", "-", "-", "-", "no baseline"] + ["-"] * 6,
    ]


def test_text_says_what_holds_for_the_run_and_what_each_scenario_has_to_say() -> None:
    """Header, harness and remarks each have one line; the table keeps to 150 columns."""
    failing = replace(
        BATCH, name="serving-single", requests={"total": 240, "failed": 3, "wrong": 1}
    )
    results = [BATCH, failing, replace(UNREAD, peak_memory_bytes=5, memory_kind="rss")]
    lines = text_table(HEADER, results, HARNESS).split("\n")
    assert lines[0] == (
        "profile standard; model resnet152; runtime process (no Docker engine answers); "
        "device cpu; machine class x86_64-2cores-avx512-24GiB; seed 7"
    )
    assert lines[9:] == [
        (
            "ratio: throughput over the reference's with its 95 % interval; "
            "baseline: the stored ratio; efficiency: throughput over the yardstick's; "
            "-: not known"
        ),
        "peak memory marked rss counts shared pages once for each process",
        (
            "harness: 262/s at most, 24 jobs at a time, 3.4 ms of CPU a job; "
            "56 times the fastest scenario (serving-batch)"
        ),
        "harness's share of the CPU: serving-batch 1.3 %, serving-single 1.3 %",
        "serving-single: 240 requests, 3 failed, 1 wrong",
        "serving-workers-2: the stored baseline is of another machine class",
    ]
    assert max(len(line) for line in lines[2:8]) <= 150


def test_the_reference_over_itself_has_a_line_of_its_own() -> None:
    """Where the reference was measured, both reports tell how far it is from itself."""
    line = "null control: the reference over itself is 0.967 [0.946, 0.990]"
    results = [LOCAL, BATCH]
    assert text_table(HEADER, results, HARNESS).split("\n").count(line) == 1
    assert f"\n- {line}\n" in markdown(HEADER, results, HARNESS)
    for report in (text_table, markdown):
        assert "null control" not in report(HEADER, [BATCH, UNREAD], HARNESS)


def test_a_run_without_scenarios_or_harness_is_still_a_report() -> None:
    """A run that measured nothing says so instead of failing."""
    assert "harness: its ceiling was not measured" in text_table(HEADER, [], None)
    assert "No scenario was measured" in markdown(HEADER, [], None)


def test_markdown_escapes_what_would_change_the_page() -> None:
    """A pipe stays inside its cell, and a tag or an emphasis is shown, not obeyed."""
    odd = replace(BATCH, name="a|b\\|c", reason="<b>*late*</b>")
    page = markdown(HEADER, [odd], HARNESS)
    assert "| a\\|b&#92;\\|c " in page
    assert "- a\\|b&#92;\\|c: &lt;b&gt;\\*late\\*&lt;/b&gt;" in page
    assert "Some CPU \\| 2 cores" in page


def test_markdown_has_heading_tally_notes_and_foot() -> None:
    """A page tells the verdicts at a glance and keeps machine and versions folded away."""
    page = markdown(HEADER, [BATCH, UNREAD], HARNESS)
    assert page.startswith("## ")
    assert "**1 regressed, 1 no baseline.**" in page
    assert "- harness: 262/s at most" in page
    assert "<summary>Versions</summary>\n\n| versions" in page
    assert page.endswith("</details>\n")


def test_limits_have_a_table_of_their_own() -> None:
    """It names the fastest layout, the share of it, and every part of an image's time."""
    told = (
        "litserve-openvino  4.71/s  1 x 2 threads, batch 8  5.00/s  "
        "2 x 1 threads, batch 8  9.42/s  50.0 %  3210 ms  -12 ms  "
        "300.0 ms  -1.0 ms  12.5 ms"
    )
    text = text_table(HEADER, [BATCH, LIMITED], HARNESS)
    assert told.split() in [line.split() for line in text.split("\n")]
    page = markdown(HEADER, [BATCH, LIMITED], HARNESS)
    assert "\n### Limits\n\n| scenario" in page
    assert told.split("  ") in [cells_of(line) for line in page.split("\n")]
    for report in (text_table, markdown):
        assert "rest of the server" not in report(HEADER, [BATCH], HARNESS)
