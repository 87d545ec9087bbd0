"""The page TREND.md: it has every rate, and says from how many histories."""

from __future__ import annotations

import pytest

from perf.trust import histories, trend_page
from perf.trust.curve import Rate
from perf.trust.histories import LENGTHS, Found, white
from perf.trust.trend_page import TrendPage, compute, markdown

PAGE = TrendPage(
    number=200,
    computed_on="2026-11-27",
    alarms={"independent": [Rate(n, 200) for n in range(len(LENGTHS))]},
    nightly={"independent": Rate(4, 50)},
    losses=[Found("independent", 0.05, 6, Rate(190, 200), Rate(150, 200))],
    recorded={"each run alone": (10, 16, Rate(2, 40))},
)


def rows_of(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, without its head."""
    part = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_has_every_rate() -> None:
    """Each with its interval, in the row of its noise, histories or loss."""
    text = markdown(PAGE)
    (alarms,) = rows_of(text, "Unchanged code, simulated")
    rates = [*PAGE.alarms["independent"], PAGE.nightly["independent"]]
    assert alarms == ["independent", *map(str, rates)]
    (recorded,) = rows_of(text, "Unchanged code, recorded")
    assert recorded[:4] == ["each run alone", "40", "10 to 16", "2"]
    (loss,) = rows_of(text, "Losses, simulated")
    assert loss[:3] == ["independent", "5%", "6"]
    assert loss[3].startswith("95.0% [")


def test_the_page_says_how_many_histories_were_drawn() -> None:
    """Those that are looked at every night are fewer."""
    text = markdown(PAGE)
    assert "from 200 drawn histories for each rate; for *any of 60 nights* from 50." in text
    assert "\n\n\n" not in text
    assert text.endswith("|\n")


def test_the_page_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """From drawn histories and recorded ones; kinds without a history are left out."""
    monkeypatch.setattr(trend_page, "NOISES", {"independent": white})
    monkeypatch.setattr(trend_page, "LENGTHS", (12, 14))
    monkeypatch.setattr(trend_page, "_NIGHTS", 12)
    monkeypatch.setattr(histories, "LOSSES", (0.2,))
    monkeypatch.setattr(histories, "AFTER", (20,))
    monkeypatch.setattr(trend_page, "with_pace", list)
    monkeypatch.setattr(trend_page, "without_pace", list)
    monkeypatch.setattr(trend_page, "across_runs", lambda _: [(0.0,) * 12, (0.0,) * 14])
    page = compute(5)
    assert page.number == 5
    assert [rate.total for rate in page.alarms["independent"]] == [5, 5]
    assert page.nightly["independent"].total == 1
    (loss,) = page.losses
    assert loss.found == Rate(5, 5)
    assert page.recorded == {
        "with pace, all runs of a machine": (12, 14, Rate(0, 2)),
        "without pace, all runs of a machine": (12, 14, Rate(0, 2)),
    }
    assert "from 5 drawn histories" in markdown(page)
