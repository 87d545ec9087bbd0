"""The page of a run: whole, safe, without requests, and with the figures of the JSON."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given

from perf.report import formatting
from perf.report.figures.base import Section
from perf.report.formats.json_file import JsonFile
from perf.report.formats.page import Page
from perf.report.headline import headline
from perf.report.result import Limits
from perf.report.run import RunResults
from perf.report.sections import table_of
from perf.stats import Verdict
from tests.support.any_results import runs, untimed
from tests.support.html_reader import Reading, read_html
from tests.support.pages import page_of, summary_in
from tests.support.results import BATCH, HEADER, rejudged

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{ 7 * 7 }}"


@untimed
@given(runs)
def test_the_page_of_any_run_is_whole(run: RunResults) -> None:
    """Each element ends, and the outcome and the verdict of each scenario are there."""
    page = read_html(Page().render(run))
    assert page.faults == []
    said = headline(run.scenarios, run.header.scenarios)
    assert page.only("h1").read.strip() == page.only("title").text == said
    assert len(page.of("details", **{"class": "card"})) == len(run.scenarios)
    names = [one.text for one in page.of("h3")]
    heads = [
        after.text
        for one, after in itertools.pairwise(page.elements)
        if one.tag == "details" and one.attributes.get("class") == "card"
    ]
    for result, head in zip(run.scenarios, heads, strict=True):
        name = formatting.one_line(result.name)
        assert name in names
        assert head.startswith(f"{name} ")
        assert f" {result.judgement.verdict} " in head.removeprefix(name)


@untimed
@given(runs)
def test_the_page_asks_for_nothing(run: RunResults) -> None:
    """No element names another file, and the policy of the page forbids it too."""
    page = read_html(Page().render(run))
    for one in page.elements:
        assert not {"src", "srcset", "data", "action", "style"} & one.attributes.keys()
        assert not [name for name in one.attributes if name.startswith("on")]
        for name in ("href", "xlink:href"):
            assert one.attributes.get(name, "#").startswith(("#", "data:,"))
    assert not re.search(r"url\(|@import", page.only("style").text)
    policy = page.only("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy.attributes["content"].startswith("default-src 'none'; ")


@untimed
@given(runs)
def test_the_page_has_the_figures_of_the_tables(run: RunResults) -> None:
    """Each section has the cells that every other format has."""
    page = read_html(Page().render(run))
    for place, section in enumerate(Section if run.scenarios else ()):
        rows = [list(row) for row in table_of(section, run.scenarios).rows]
        assert page.tables[place][1:] == rows


@untimed
@given(runs)
def test_the_page_holds_the_summary(run: RunResults) -> None:
    """What is packed inside is summary.json, whatever is written in it."""
    inside = read_html(Page().render(run)).only("script", id="summary").text
    assert summary_in(inside) == json.loads(JsonFile().render(run))
    assert "<" not in inside


def _places(steps: str) -> Iterator[tuple[float, float]]:
    """Yield where each step of a path leads."""
    x = y = 0.0
    for command, written in re.findall(r"([A-Za-z])([^A-Za-z]*)", steps):
        numbers = [float(number) for number in written.split()]
        if command in "ML":
            x, y = numbers
        elif command in "Hh":
            x = sum(numbers) + (x if command == "h" else 0.0)
        elif command in "Vv":
            y = sum(numbers) + (y if command == "v" else 0.0)
        else:
            assert command == "z", steps
        yield x, y


@untimed
@given(runs)
def test_every_mark_lies_inside_its_plot(run: RunResults) -> None:
    """Places are from 0 to 100 per cent, paths stay inside, and each number is finite."""
    page = read_html(Page().render(run))
    height = 0.0
    for one in page.elements:
        if one.tag not in {"circle", "line", "path", "rect", "svg", "text"}:
            continue
        known = one.attributes
        height = float(known.get("height", height)) if one.tag == "svg" else height
        for name, value in known.items():
            if name in {"class", "aria-label"}:
                continue
            assert not re.search("nan|inf", value), (one, name)
            if value.endswith("%"):
                assert 0.0 <= float(value[:-1]) <= 100.0, (one, name)
        if one.tag == "path" and known["class"] not in {"arrow", "yardstick"}:
            for x, y in _places(known["d"]):
                assert 0.0 <= x <= 100.0, one
                assert 0.0 <= y <= height, one


def test_the_policy_allows_exactly_what_the_page_brings() -> None:
    """The hashes are those of the page's own style and script."""
    page = page_of(BATCH)
    (script,) = [one for one in page.of("script") if "type" not in one.attributes]
    policy = page.only("meta", **{"http-equiv": "Content-Security-Policy"})
    for kind, one in (("style", page.only("style")), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(one.text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy.attributes["content"]


def _told_everywhere(said: str) -> Reading:
    """Return a page that has `said` wherever a file or another program brings text."""
    header = replace(
        HEADER,
        profile=said,
        runtime=said,
        runtime_reason=said,
        machine_class=said,
        device=said,
        model=said,
        model_options=(said,),
        machine={said: said},
        versions={said: said},
        started=said,
        commit=said,
        scenarios=(said, f"{said} missing"),
    )
    odd = replace(
        BATCH,
        name=said,
        spec={said: said, "list": [said]},
        replaced=(said,),
        against_pairs=BATCH.pairs,
        usage=replace(BATCH.usage, cpu_seconds_by_part={said: 1.0, "server": 2.0}),
    )
    side_by_side = rejudged(
        odd, reason=said, against=said, ours=said, differences=(said,), unsettled=said
    )
    limits = Limits(
        own=said,
        layouts_rps={said: 5.0},
        core_ms={said: 300.0},
        latency_ms=3210.4,
        queue_ms=0.0,
    )
    limited = rejudged(
        replace(odd, limits=limits),
        verdict=Verdict.INVALID,
        reason=said,
        baseline_file=said,
        before=BATCH.judgement,
    )
    none = rejudged(odd, verdict=Verdict.NO_BASELINE, reason=said, quantities=())
    return page_of(side_by_side, limited, none, header=header)


def test_settings_that_all_scenarios_share_are_told_once() -> None:
    """The card of each has the others; one scenario alone has all of its own."""
    one = replace(
        BATCH, spec={"name": "one", "arm": "served", "workers": 1, "engine": None}
    )
    two = replace(BATCH, name="two", spec={"name": "two", "arm": "served", "workers": 2})
    told = [element.text for element in page_of(one, two).of("p", **{"class": "quiet"})]
    assert "Settings that all of them share: arm served" in told
    assert [said for said in told if "workers" in said] == ["workers 1", "workers 2"]
    alone = [element.text for element in page_of(one).of("p", **{"class": "quiet"})]
    assert "arm served; workers 1" in alone


def test_text_with_markup_is_shown_as_it_is() -> None:
    """No element joins the page because of any text that comes from elsewhere."""
    page, other = _told_everywhere(MARKUP), _told_everywhere("plain")
    assert page.faults == []
    assert [one.tag for one in page.elements] == [one.tag for one in other.elements]
    for tag, said in (
        ("h3", MARKUP),  # the name
        ("li", MARKUP),  # a difference, a replaced pair, the other tree
        ("a", MARKUP),
        ("th", f"1: {MARKUP}"),  # a part
        ("p", f"Settings that all of them share: {MARKUP} {MARKUP}; list {[MARKUP]}"),
    ):
        assert said in [one.text for one in page.of(tag)], tag
    labels = [one.attributes["aria-label"] for one in page.of("svg", role="img")]
    assert f"Latency of {MARKUP}" in labels
    assert f"Pairs side by side of {MARKUP}: 2 pairs in 2 launches" in labels
    commands = [one.text for one in page.of("code")]
    assert any(shlex.quote(MARKUP) in one for one in commands)
