"""The plots and marks of the page, and how large it becomes."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from perf.config.table import Table
from perf.machine.timeline import MOST_SPANS, Span
from perf.report.document import document
from perf.report.formats.page import Page
from perf.report.result import ScenarioResult
from perf.stats import QUANTITIES, Block, Pair, Verdict
from tests.support.html_reader import read_html
from tests.support.pages import ONE_PAIR, page_of
from tests.support.results import (
    BATCH,
    HEAVIER,
    LIMITED,
    LOCAL,
    SETTLED,
    judged,
    rejudged,
    run_of,
)


def test_each_drawing_is_named_and_has_its_data() -> None:
    """A drawing has a name, a caption, and its numbers in a table or beside it."""
    page = page_of(BATCH, LIMITED)
    for one in page.of("svg", role="img"):
        assert one.attributes["aria-label"].strip()
    for row in page.of("div"):
        if row.attributes.get("class", "").startswith("strip tone-"):
            assert re.search(r"serving-batch|litserve-openvino", row.text)
            assert re.search(r"[0-9]", row.text)
    assert len(page.of("figure")) == len(page.of("figcaption"))
    pairs = [table for table in page.tables if table[0][:2] == ["pair", "launch"]]
    assert pairs[0][1:] == [
        ["1", "1", "4.70/s", "1.10", "1.90/s", "1.00"],
        ["2", "2", "4.80/s", "1.10", "1.80/s", "1.00"],
    ]
    blocks = [table for table in page.tables if table[0][0] == "block"]
    assert blocks[0] == [
        [
            "block",
            "length",
            "CPU of jobs",
            "CPU of server",
            "CPU of harness",
            "peak memory",
        ],
        ["1", "29.0 s", "1 %", "90 %", "0 %", "1.12 GiB"],
        ["2", "29.0 s", "1 %", "90 %", "1 %", "1.21 GiB"],
    ]
    parts = [table for table in page.tables if table[0][0] == "part"]
    assert ["1: jobs", "4.0 ms"] in parts[0]
    assert ["1: inference", "300.0 ms"] in parts[1]


def test_pairs_that_were_measured_side_by_side_have_a_plot_of_their_own() -> None:
    """Both kinds are there, and each says what the other blocks are."""
    keys = page_of(SETTLED).of("li", **{"class": "key-theirs"})
    others = [one.text.strip() for one in keys]
    assert others == ["the reference", "the baseline's commit 383fe61f7988"]


def test_a_broken_limit_is_marked_with_more_than_a_colour() -> None:
    """The cell has a symbol, and words for those who do not see it."""
    busy = replace(BATCH.conditions["scenario"], foreign_percent=6.2)
    page = page_of(replace(BATCH, conditions={"scenario": busy}))
    (cell,) = page.of("td", **{"class": "beyond"})
    assert cell.text == "✕ 6.2 % (beyond the limit)"
    assert cell.read.strip() == "6.2 %"


@pytest.mark.parametrize(
    "changed",
    [
        {"pairs": ()},
        {"latencies_ms": ()},
        {"usage_images": 0},
        {"usage": replace(BATCH.usage, timeline=())},
    ],
)
def test_what_was_not_measured_has_no_plot(changed: dict[str, Any]) -> None:
    """The other plots are still there."""
    headings = [one.text for one in page_of(replace(BATCH, **changed)).of("h4")]
    plots = {
        "Pairs",
        "Latency",
        "CPU and memory over time",
        "Where the time of an image goes",
    }
    assert len(plots & set(headings)) == 3


def test_memory_that_was_not_read_has_no_line() -> None:
    """CPU is drawn all the same, and the table has a dash."""
    span = replace(BATCH.usage.timeline[0], memory_bytes={"rss": 1})
    page = page_of(replace(BATCH, usage=replace(BATCH.usage, timeline=(span,))))
    (table,) = [one for one in page.tables if one[0][0] == "block"]
    assert table[1:] == [["1", "20.0 s", "1 %", "90 %", "-"]]
    areas = [one.attributes["d"] for one in page.of("path", **{"class": "part-1"})]
    # From the bottom, 91 % of 90 pixels up, rounded, across all of the width, and back.
    assert areas == ["M0 96V14H100V96z"]
    assert "" in [one.attributes["d"] for one in page.of("path", **{"class": "curve"})]


def test_an_interval_that_says_nothing_leaves_the_others_visible() -> None:
    """The scale ends, and an arrow stands for the rest."""
    wide = rejudged(
        replace(LOCAL, name="wide"),
        quantities=(judged(1.0, 0.2, 9e9, Verdict.INCONCLUSIVE),),
    )
    page = page_of(BATCH, wide)
    assert len(page.of("path", **{"class": "arrow"})) == 2
    (dot, *_) = page.of("circle", **{"class": "dot"})
    assert 20.0 < float(dot.attributes["cx"].rstrip("%")) < 45.0


def _row(name: str, spec: Mapping[str, object], rng: random.Random) -> ScenarioResult:
    """Return a full row whose numbers have as many digits as measured ones."""

    def block() -> Block:
        return Block(
            rps=rng.uniform(4, 5),
            pace=rng.uniform(0.9, 1.1),
            cpu_ms=rng.uniform(300, 330),
            memory_bytes=rng.randrange(10**9, 2 * 10**9),
            p99_ms=rng.uniform(5000, 6000),
        )

    timeline = tuple(
        Span(
            block=number * 6 // MOST_SPANS,
            duration_s=rng.uniform(2.0, 3.0),
            cpu_s={
                part: rng.randrange(160) / 100 for part in ("jobs", "server", "harness")
            },
            memory_bytes={"pss": rng.randrange(10**6, 2 * 10**6) * 1024}
            if number % 3
            else {},
        )
        for number in range(MOST_SPANS)
    )
    seen = BATCH.conditions["scenario"]
    full = replace(
        BATCH,
        name=name,
        spec=spec,
        pairs=tuple(Pair(block(), block(), number // 2) for number in range(6)),
        latencies_ms=tuple(rng.uniform(1000, 6000) for _ in range(275)),
        conditions={"scenario": seen, "reference": seen},
        usage=replace(BATCH.usage, timeline=timeline),
    )
    return rejudged(
        full,
        quantities=tuple(
            judged(rng.uniform(0.98, 1.1), 0.98, 1.1, Verdict.UNCHANGED, quantity=one.name)
            for one in QUANTITIES
        ),
    )


def test_a_large_run_stays_small() -> None:
    """25 rows with six pairs, all settings and all quantities fit into 300 kB.

    All their numbers differ, as measured ones do, and have as many digits: the kernel
    counts CPU time in hundredths of a second, and memory in KiB.
    """
    rng = random.Random(7)  # noqa: S311 -- numbers to print, not a secret
    rows = Table.read().scenario[:25]
    results = [_row(row.name, row.flat(), rng) for row in rows]
    assert len(Page().render(run_of(*results)).encode()) < 300_000


def test_the_plots_show_what_the_summary_has() -> None:
    """The dot of a change lies where the JSON's estimate puts it on the scale."""
    run = run_of(BATCH, LOCAL)
    page = read_html(Page().render(run))
    rows: Any = document(run)["scenarios"]
    dots = [
        float(one.attributes["cx"].rstrip("%"))
        for one in page.of("circle", **{"class": "dot"})
    ][:2]
    changes = [row["change"]["estimate"] - 1.0 for row in rows]
    (zero, *_) = page.of("line", **{"class": "origin"})
    middle = float(zero.attributes["x1"].rstrip("%"))
    first, second = (
        (dot - middle) / change for dot, change in zip(dots, changes, strict=True)
    )
    assert first > 0.0
    assert first == pytest.approx(second, rel=0.02)


def test_only_what_regressed_is_marked_so() -> None:
    """A scenario that needs more memory is as fast as before, and its first row says so."""
    page = page_of(HEAVIER)
    rows = [
        one for one in page.of("div") if one.attributes.get("class", "")[:6] == "strip "
    ]
    assert [one.attributes["class"] for one in rows[:2]] == [
        "strip tone-unchanged",
        "strip tone-regressed",
    ]
    assert [" ".join(one.text.split()) for one in rows[:2]] == [
        "serving-batch +0.2 % [-1.9, +2.4] = unchanged",
        "serving-batch, memory +20.1 % [+18.0, +22.3] ▼ regressed",
    ]


def test_each_part_of_an_image_has_its_number() -> None:
    """Colour alone is lost on paper; what has no box has no number and no colour."""
    parts = {"jobs": 50.0, "little": 1.0, "less than nothing": -2.0, "server": 49.0}
    assert LIMITED.limits
    limits = replace(LIMITED.limits, core_ms=parts)
    page = page_of(replace(LIMITED, limits=limits))
    numbers = page.of("text", **{"class": "number"})
    assert [one.text for one in numbers] == ["1", "3"]
    assert [one.attributes["x"] for one in numbers] == ["25%", "75.5%"]
    key = next(table for table in page.tables if table[0][0] == "part")
    assert [row[0] for row in key[1:]] == [
        "1: jobs",
        "2: little",
        "less than nothing",
        "3: server",
    ]
    assert len([one for one in page.of("rect") if "part-" in one.attributes["class"]]) == 3


def test_one_pair_is_no_plot() -> None:
    """It has no distance from its median."""
    page = page_of(ONE_PAIR)
    assert "Pairs" not in [one.text for one in page.of("h4")]
    pairs = tuple(replace(pair, launch=0) for pair in BATCH.pairs)
    labels = [
        one.attributes["aria-label"]
        for one in page_of(replace(BATCH, pairs=pairs)).of("svg", role="img")
    ]
    assert "Pairs of serving-batch: 2 pairs in 1 launch" in labels


def test_latencies_that_are_close_have_different_labels() -> None:
    """From 2.0 to 2.4 ms the marks are a part of a millisecond apart."""
    page = page_of(replace(BATCH, latencies_ms=(2.0, 2.1, 2.2, 2.4)))
    labels = [one.text for one in page.of("text") if one.text.endswith(" ms")]
    assert len(labels) > 1
    assert len(set(labels)) == len(labels)
