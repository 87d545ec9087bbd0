"""The page of the trend: whole, safe, without requests, with the changes in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.history.entry import Entry
from perf.history.series import series_of
from perf.report import formatting
from perf.report.trend.model import trend_of
from perf.report.trend.plot import trend_plot
from perf.report.trend.rendering import render
from perf.stats import Verdict
from tests.support.any_results import untimed
from tests.support.histories import entry, nights, no_commits, two_commits
from tests.support.html_reader import Reading, read_html

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{ 7 * 7 }}"
STEPPED = nights(40, losses=[(15, 0.06), (28, -0.08)])
# Everything that can be in a history: gaps, bad runs, and every kind of news.
ODD = [
    one
    for night in range(30)
    for one in (
        entry(night, 12.0 - night / 10, disturbed=night % 7 == 0),
        entry(night, 2.0, scenario="decentralized", verdict=Verdict.INVALID, level=None),
        entry(night, 9.0, machine_class="other", about={"torch": str(night // 4)}),
        entry(night, 8.0, scenario="capacity-batch", figure="capacity"),
        entry(night, 7.0, scenario="fixed", figure="goodput", pace=None),
    )
]
lines = st.lists(
    st.tuples(
        st.floats(1e-3, 1e6),
        st.sampled_from(Verdict),
        st.booleans(),
        st.booleans(),
        st.text(max_size=5),
    ),
    max_size=25,
)


def page_of(entries: Sequence[Entry]) -> Reading:
    """Return the page of these lines."""
    return read_html(render(series_of(entries, two_commits)))


def drawn(seen: list[tuple[float, Verdict, bool, bool, str]]) -> list[Entry]:
    """Return the lines that Hypothesis has chosen."""
    return [
        entry(
            night,
            rps,
            verdict=verdict,
            disturbed=disturbed,
            baseline=text,
            about={"torch": text},
            **({"level": None} if missing else {}),
        )
        for night, (rps, verdict, disturbed, missing, text) in enumerate(seen)
    ]


@untimed
@given(lines)
def test_the_page_of_any_history_is_whole(
    seen: list[tuple[float, Verdict, bool, bool, str]],
) -> None:
    """Each element ends, the title is the outcome, and each run is a row of the table."""
    entries = drawn(seen)
    view = trend_of(series_of(entries, no_commits))
    page = page_of(entries)
    assert page.faults == []
    assert page.only("h1").read.strip() == page.only("title").text == view.headline
    if any(one.level for one in entries):
        (table,) = page.tables
        assert len(table) - 1 == len(entries)


@untimed
@given(lines)
def test_every_mark_lies_inside_its_plot(
    seen: list[tuple[float, Verdict, bool, bool, str]],
) -> None:
    """Places are from 0 to 100 per cent, and no number of a drawing is NaN."""
    for one in page_of(drawn(seen)).elements:
        if one.tag not in {"circle", "line", "path", "rect", "svg", "text"}:
            continue
        for name, value in one.attributes.items():
            if name in {"class", "aria-label"}:
                continue
            assert "nan" not in value, (one, name)
            if value.endswith("%"):
                assert 0.0 <= float(value[:-1]) <= 100.0, (one, name)


@pytest.mark.parametrize("entries", [[], STEPPED, ODD], ids=["empty", "stepped", "odd"])
def test_the_page_asks_for_nothing(entries: list[Entry]) -> None:
    """No element names another file, and the policy of the page forbids it too."""
    page = page_of(entries)
    for one in page.elements:
        assert not {"src", "srcset", "data", "action", "style"} & one.attributes.keys()
        assert not [name for name in one.attributes if name.startswith("on")]
        assert one.attributes.get("href", "#").startswith(("#", "data:,"))
    policy = page.only("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy.attributes["content"].startswith("default-src 'none'; ")


def test_a_change_is_told_with_commits_and_command() -> None:
    """The newest comes first, with its size, its runs, the commits, and what to paste."""
    page = page_of(STEPPED)
    first, second = [one.text for one in page.of("article")]
    assert "+8." in first
    assert "Only losses can be searched" in first
    assert "-6." in second
    assert "at about 2026-01-16 02:17, between" in second
    assert "of 2026-01-13 02:17 and" in second
    assert "of 2026-01-18 02:17" in second
    assert "make it slower" in second
    (command,) = page.of("code")
    assert command.text.startswith(
        f"git bisect start {17:040x} {12:040x} && git bisect run"
    )
    assert page.only("h1").read.strip() == "1 loss and 1 gain in 1 scenario over 40 runs."


def test_the_plot_marks_what_happened() -> None:
    """Changes, new baselines and news have lines of their own, and a key each."""

    def change(night: int) -> dict[str, object]:
        baseline = "0007.json" if night >= 10 else "0006.json"
        return {"baseline": baseline, "about": {"torch": "2.15" if night > 5 else "2.14"}}

    page = page_of(nights(40, losses=[(25, 0.06)], change=change))
    assert len(page.of("line", **{"class": "shift loss"})) == 1
    assert len(page.of("line", **{"class": "mark"})) == 1
    (news,) = page.of("path", **{"class": "news"})
    assert news.attributes["d"].count("M") == 1  # the baseline has a line of its own
    (table,) = page.tables
    told = {n: row[-1] for n, row in enumerate(table[1:]) if row[-1]}
    assert told == {6: "torch 2.14 -> 2.15", 10: "baseline 0007.json"}
    keys = {one.attributes["class"] for one in page.of("li") if one.attributes}
    assert {"key-ours", "key-news", "key-mark", "key-shift"} == keys


@pytest.mark.parametrize(
    ("figure", "heading", "caption", "column"),
    [
        ("throughput", "Throughput at equal pace", "Images a second at", "at equal pace"),
        ("capacity", "Capacity at equal pace", "The highest rate of", "at equal pace"),
        ("goodput", "Goodput", "Good requests a second, from", "mean of launches"),
        ("<b>odd", "<b>odd", "<b>odd, from run to run", "level"),
    ],
)
def test_a_plot_says_what_its_figure_is(
    figure: str, heading: str, caption: str, column: str
) -> None:
    """Heading, caption and table: only what is divided by the pace is at equal pace."""
    (series,) = series_of([entry(n, figure=figure) for n in range(3)], no_commits)
    plot = trend_plot(series)
    assert plot is not None
    assert plot.heading == heading
    assert plot.caption.startswith(caption)
    assert [cell.text for cell in plot.data.headings][2:4] == [column, "measured"]


def test_options_are_named_where_they_are_not_usual() -> None:
    """Runs with other options have a part of the page of their own."""
    lines = [entry(n) for n in range(3)]
    lines += [entry(n, options=("--perf-total", "64")) for n in range(3)]
    headings = [one.text for one in page_of(lines).of("h2")]
    assert len([one for one in headings if one.endswith("options --perf-total 64")]) == 1
    assert len([one for one in headings if one.startswith("machine class")]) == 2


def test_the_page_says_how_often_chance_makes_a_change() -> None:
    """The level is that of one look, and the page is drawn every night."""
    said = page_of(nights(20)).only("header").text
    assert "shows a false change in 1 % of the histories." in said
    assert "A page that is drawn every night shows one more often" in said


def test_bad_runs_are_seen_apart() -> None:
    """A run of a disturbed machine has a mark of its own, one without a level a cross."""
    page = page_of(ODD)
    keys = [one.attributes.get("class", "") for one in page.of("li")]
    assert "key-theirs" in keys
    crosses = [one for one in page.of("text") if one.text == "×"]  # noqa: RUF001 -- a cross
    assert crosses == []  # a scenario of which nothing was measured has no plot
    assert "Nothing was measured." in page.only("main").text
    gap = [*nights(20), entry(20, level=None, verdict=Verdict.INVALID)]
    assert [one.text for one in page_of(gap).of("text")].count("×") == 1  # noqa: RUF001 -- a cross


def test_the_table_has_the_numbers_of_the_history() -> None:
    """A row for each run: date, commit, level, throughput, verdict, and what is new."""
    entries = nights(12)
    (series,) = series_of(entries, no_commits)
    (table,) = page_of(entries).tables
    for row, run in zip(table[1:], series.runs, strict=True):
        expected = [
            run.at,
            run.commit[:12],
            formatting.interval(run.level),
            formatting.rate(run.measured_rps),
            "unchanged",
            "",
        ]
        assert row == expected


def test_names_with_markup_are_shown_as_they_are() -> None:
    """No element joins the page because of a name, a version, a model, or an option."""
    named_so = ("scenario", "model", "commit", "baseline")
    odd: dict[str, Any] = {**dict.fromkeys(named_so, MARKUP), "options": (MARKUP,)}
    about = [{"torch": MARKUP}, {"torch": "2"}]
    named = [entry(n, about=about[n % 2], **odd) for n in range(12)]
    plain = [entry(n, about={"torch": str(n % 2)}, commit="one") for n in range(12)]
    page, other = page_of(named), page_of(plain)
    assert page.faults == []
    assert [one.tag for one in page.elements] == [one.tag for one in other.elements]
    assert MARKUP in [one.text for one in page.of("h3")]


def test_machine_classes_are_apart() -> None:
    """Each has a part of the page, with what all of its scenarios share."""
    headings = [one.text for one in page_of(ODD).of("h2")]
    assert len([one for one in headings if "machine class other" in one]) == 1
    assert len([one for one in headings if one.startswith("machine class")]) == 2


def test_runs_of_the_same_minute_are_counted() -> None:
    """Short runs, one after the other; the scenarios of one run count once."""
    minutes = [
        entry(night, scenario=name, at=f"2026-01-01T02:00:{20 * night:02d}+00:00")
        for night in range(3)
        for name in ("serving-batch", "decentralized")
    ]
    headline = page_of(minutes).only("h1").read.strip()
    assert headline == "Too few runs to find a change in 2 scenarios over 3 runs."


@pytest.mark.parametrize(
    ("runs", "bad", "headline", "tone"),
    [
        (9, 0, "Too few runs to find a change in 1 scenario over 9 runs.", "nothing"),
        (12, 3, "Too few runs to find a change in 1 scenario over 12 runs.", "nothing"),
        (
            10,
            0,
            "No change of 2 % or more was found in 1 scenario over 10 runs.",
            "unchanged",
        ),
    ],
    ids=["short", "disturbed", "long"],
)
def test_a_short_history_is_not_called_unchanged(
    runs: int, bad: int, headline: str, tone: str
) -> None:
    """A change needs five runs that count before it and after it."""
    entries = [entry(night, disturbed=night < bad) for night in range(runs)]
    view = trend_of(series_of(entries, no_commits))
    assert (view.headline, view.tone) == (headline, tone)


def test_only_searched_scenarios_are_called_unchanged() -> None:
    """A new scenario beside an old one is too short, and one line says so."""
    entries = [entry(night) for night in range(12)]
    entries.append(entry(11, scenario="new"))
    view = trend_of(series_of(entries, no_commits))
    assert view.headline == "No change of 2 % or more was found in 1 scenario over 12 runs."
    assert view.facts[0].endswith("so far: 1 of 2.")


def test_the_page_of_many_scenarios_is_small() -> None:
    """The page of 25 scenarios over 120 nights can be sent by mail."""
    entries = [
        one.model_copy(update={"scenario": f"row-{number}"})
        for number in range(25)
        for one in nights(120)
    ]
    assert len(render(series_of(entries, no_commits)).encode()) < 2_000_000
