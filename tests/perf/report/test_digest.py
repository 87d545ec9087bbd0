"""The digest: what stands at the head of a CI job's page and in a comment."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from perf.report import digest
from perf.report.rendering import code, preformatted
from perf.stats import Verdict
from tests.support.any_results import untimed
from tests.support.pages import INVALID
from tests.support.results import BATCH, HEAVIER, LOCAL, UNREAD, judged, rejudged

BETTER = rejudged(
    replace(BATCH, name="faster"),
    verdict=Verdict.IMPROVED,
    quantities=(judged(1.2, 1.1, 1.3, Verdict.IMPROVED),),
)


def test_only_what_changed_has_a_row_and_the_worst_comes_first() -> None:
    """Regressed, invalid, improved; no row for the others."""
    assert digest.changed_rows([BETTER, LOCAL, INVALID, UNREAD, HEAVIER]) == [
        "| scenario | verdict | what changed |",
        "|:--|:--|:--|",
        "| `serving-batch` | ▼ regressed | memory +20.1 % [+18.0, +22.3], tolerance 10 % |",
        "| `serving-batch` | ✕ invalid | `the server died` |",
        "| `faster` | ▲ improved | throughput +20.0 % [+10.0, +30.0], tolerance 10 % |",
        "",
    ]


def test_nothing_changed_has_no_rows() -> None:
    """An empty table would only take room."""
    assert digest.changed_rows([LOCAL, UNREAD]) == []
    assert digest.plot([UNREAD]) == []


def test_many_rows_are_counted() -> None:
    """A comment has a limit."""
    many = [replace(BATCH, name=f"s{number}") for number in range(42)]
    rows = digest.changed_rows(many)
    assert len(rows) == 2 + 30 + 1 + 1
    assert rows[-2] == "| and 12 more | | |"


def test_all_scenarios_have_a_row_in_their_order() -> None:
    """Each with its verdict and its change, as far as anything was compared."""
    assert digest.all_rows([LOCAL, UNREAD, BATCH])[2:] == [
        "| `decentralized` | = unchanged | +1.2 % [-1.9, +4.4] |",
        "| `serving-workers-2` | ○ no baseline | - |",
        "| `serving-batch` | ▼ regressed | -19.8 % [-22.8, -16.5] |",
        "",
    ]
    many = digest.all_rows([LOCAL] * 103)
    assert many[-2:] == ["| and 3 more | | |", ""]


def test_the_title_has_symbol_and_headline() -> None:
    """The worst verdict gives the symbol; what is missing is told too."""
    said = digest.title([LOCAL], ("decentralized", "serving-batch"))
    assert said.startswith("**= decentralized is unchanged: throughput ")
    assert said.endswith(" Not finished: 1 of 2 not measured.**")
    assert digest.title([]) == "**No scenario was measured.**"


def test_a_long_reason_is_cut() -> None:
    """A log of a server does not fill the page."""
    (*_, row, _) = digest.changed_rows([rejudged(INVALID, reason="word " * 500)])
    assert len(row) < 300
    assert row.endswith(" [...]` |")


def test_a_reason_is_shown_as_code() -> None:
    """So a mention, a link and markup in it do nothing."""
    evil = "@everyone see https://example.org | <img src=x> `x` ![x](y)\n# no"
    (*_, row, _) = digest.changed_rows([rejudged(INVALID, reason=evil)])
    cell = row.split(" | ")[2].removesuffix(" |")
    assert cell == "`@everyone see https://example.org ¦ <img src=x> 'x' ![x](y) # no`"


@untimed
@given(st.text(max_size=40))
def test_code_is_never_ended_by_its_text(text: str) -> None:
    """It is one line with one pair of backticks, and no pipe that would end a cell."""
    shown = code(text)
    assert shown.count("`") == 2
    assert len(shown) > 2
    assert "\n" not in shown
    assert "|" not in shown


@untimed
@given(st.text(alphabet="`a\n ", max_size=40))
def test_a_block_is_never_ended_by_its_text(text: str) -> None:
    """Its fence is longer than every run of backticks in it."""
    first, *inner, last = preformatted(text)
    assert first == f"{last}text"
    assert "\n".join(inner) == text
    assert last not in text
