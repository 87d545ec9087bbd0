"""The page of a run in a real browser: silent, readable, and the same for everybody."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from perf.report import formatting
from perf.report.headline import headline
from perf.report.run import RunResults
from perf.stats import Estimate, Verdict
from tests.perf.report.test_advice import ALONE, FAST
from tests.perf.report.test_page_comparisons import AT_RATE, SEARCHED
from tests.support.pages import summary_in
from tests.support.results import (
    BATCH,
    HEADER,
    HEAVIER,
    LIMITED,
    LOCAL,
    SETTLED,
    UNREAD,
    rejudged,
    run_of,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow(reason="starts Chromium")

_NARROW = {"width": 360, "height": 740}
_PAPER = {"width": 718, "height": 1047}  # A4 without margins of 1 cm, in CSS pixels
_WIDE = {"width": 1280, "height": 900}
_SEEN = "it => it.checkVisibility()"
_MOST_LOOKS = 60
_UNFOLD = "document.querySelectorAll('details').forEach(d => d.open = true)"
_MARKUP = "<img src=x onerror=document.title='run'><script>document.title='run'</script>"
INVALID = rejudged(
    replace(BATCH, name="died", pairs=(), latencies_ms=()),
    verdict=Verdict.INVALID,
    reason="the server died",
    quantities=(),
    ratio=None,
)
RUNS = {
    "all verdicts": run_of(
        LOCAL, BATCH, LIMITED, UNREAD, INVALID, replace(HEAVIER, name="heavier")
    ),
    "settled": run_of(SETTLED),
    "one pair": run_of(replace(BATCH, pairs=BATCH.pairs[:1])),
    "advice": run_of(ALONE, FAST),
    "other figures": run_of(SEARCHED, AT_RATE),
    "nothing": run_of(harness=None),
    "interrupted": run_of(LOCAL, header=replace(HEADER, scenarios=("a", "b"))),
    "markup": run_of(rejudged(replace(BATCH, name=_MARKUP), reason=_MARKUP)),
}
ALL = RUNS["all verdicts"]
Written = Callable[[RunResults], str]


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> RunResults:
    """Each kind of run."""
    return RUNS[request.param]


@contextmanager
def opened(browser: Browser, address: str, **options: Any) -> Iterator[Page]:  # noqa: ANN401 -- passed on to Playwright unchanged
    """Open the page at `address`; at the end it must have asked for nothing."""
    context = browser.new_context(**{"viewport": _WIDE, **options})
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.goto(address)
    yield page
    context.close()
    assert [one for one in asked if not one.startswith("data:")] == [address]
    assert faults == []


def test_the_page_is_silent(browser: Browser, written: Written, run: RunResults) -> None:
    """It asks for nothing, says nothing in the console, and shows the outcome."""
    with opened(browser, written(run)) as page:
        assert headline(run.scenarios, run.header.scenarios) in page.inner_text("h1")
        assert page.title() == headline(run.scenarios, run.header.scenarios)


def test_the_outcome_needs_no_script(
    browser: Browser, written: Written, run: RunResults
) -> None:
    """With and without scripts it has the same outcome, tables and cards."""
    address, seen = written(run), []
    for enabled in (True, False):
        with opened(browser, address, java_script_enabled=enabled) as page:
            cards = page.locator("details.card")
            seen.append(
                (
                    page.inner_text("h1"),
                    page.locator("header li").all_inner_texts(),
                    page.locator("#figures").all_inner_texts(),
                    page.locator("#change").all_inner_texts(),
                    [cards.nth(n).get_attribute("open") for n in range(cards.count())],
                )
            )
    assert seen[0] == seen[1]


def test_the_figures_are_those_of_the_summary(browser: Browser, written: Written) -> None:
    """Each row shows the numbers of the JSON that the page holds."""
    with opened(browser, written(ALL)) as page:
        summary = summary_in(page.locator("#summary").text_content() or "")
        rows = page.locator("#figures table").first.locator("tbody tr")
        assert rows.count() == len(summary["scenarios"])
        for place, one in enumerate(summary["scenarios"]):
            shown = rows.nth(place).inner_text()
            assert one["name"] in shown
            assert one["verdict"] in shown
            assert formatting.rate(one["throughput_rps"]) in shown
            assert formatting.change_interval(_estimate(one["change"])) in shown
            assert formatting.interval(_estimate(one["ratio"])) in shown


def _estimate(written: dict[str, float] | None) -> Estimate | None:
    if written is None:
        return None
    ends = written["low"], written["high"]
    return Estimate(written["estimate"], *ends, written["confidence"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [_WIDE, _NARROW], ids=["wide", "narrow"])
def test_the_page_is_accessible(
    browser: Browser, written: Written, scheme: str, viewport: dict[str, int]
) -> None:
    """Axe finds no fault in it, folded or not, in both schemes and on a narrow screen."""
    axe = importlib.resources.files("axe_playwright_python") / "axe.min.js"
    options = {"color_scheme": scheme, "viewport": viewport}
    with opened(browser, written(ALL), **options) as page:
        for unfold in (False, True):
            if unfold:
                page.evaluate(_UNFOLD)
            page.evaluate(axe.read_text("utf-8"))
            found = page.evaluate("axe.run({resultTypes: ['violations']})")
            told = [
                (one["id"], [node["html"] for node in one["nodes"]])
                for one in found["violations"]
            ]
            assert told == []


def test_light_and_dark_differ(browser: Browser, written: Written) -> None:
    """The page follows the system, and paper is always light."""
    address, seen = written(ALL), {}
    for scheme in ("light", "dark"):
        with opened(browser, address, color_scheme=scheme) as page:
            seen[scheme] = _background(page)
            page.emulate_media(media="print", color_scheme=scheme)
            seen[f"{scheme} on paper"] = _background(page)
    assert seen["light"] != seen["dark"]
    assert seen["light"] == seen["light on paper"] == seen["dark on paper"]


def _background(page: Page) -> str:
    found: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return found


def test_a_narrow_screen_never_scrolls_sideways(
    browser: Browser, written: Written, run: RunResults
) -> None:
    """At 360 px only tables scroll, each in its own frame, and plots keep their text."""
    with opened(browser, written(run), viewport=_NARROW) as page:
        page.evaluate(_UNFOLD)
        widths = "[document.documentElement.scrollWidth, document.body.scrollWidth]"
        assert max(page.evaluate(widths)) <= _NARROW["width"]
        for size in page.evaluate(
            "[...document.querySelectorAll('svg text')]"
            ".map(t => parseFloat(getComputedStyle(t).fontSize))"
        ):
            assert size >= 12.0


@pytest.mark.parametrize("enabled", [True, False], ids=["scripts", "no scripts"])
def test_paper_has_every_scenario(
    browser: Browser, written: Written, *, enabled: bool
) -> None:
    """What is folded on the screen is printed, with scripts and without."""
    with opened(browser, written(ALL), java_script_enabled=enabled) as page:
        folded = page.locator("details:is(.card, .notes):not([open]) .quiet").all()
        assert folded
        assert not any(one.evaluate(_SEEN) for one in folded)
        page.emulate_media(media="print")
        assert all(one.evaluate(_SEEN) for one in folded)
        assert not page.locator("nav").is_visible()
        assert page.pdf().startswith(b"%PDF")


def test_nothing_is_cut_off_on_paper(
    browser: Browser, written: Written, run: RunResults
) -> None:
    """A table cannot be scrolled there, so all of it fits the width of A4."""
    with opened(browser, written(run), viewport=_PAPER) as page:
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= _PAPER["width"]


def test_names_with_markup_are_inert(browser: Browser, written: Written) -> None:
    """They are shown as they are: nothing of them runs, and no image is asked for."""
    run = RUNS["markup"]
    with opened(browser, written(run)) as page:
        assert page.locator("details.card h3").inner_text() == _MARKUP
        assert page.locator("img").count() == 0
        assert page.title() == headline(run.scenarios, run.header.scenarios) != "run"


def test_a_link_unfolds_its_scenario(browser: Browser, written: Written) -> None:
    """The name in a plot leads to the card, which opens."""
    with opened(browser, written(ALL)) as page:
        card = page.locator("#scenario-1")
        assert card.get_attribute("open") is None
        page.locator("a.name[href='#scenario-1']").first.click()
        assert card.get_attribute("open") is not None


def test_a_table_can_be_scrolled_with_the_keyboard(
    browser: Browser, written: Written
) -> None:
    """Each frame of a table takes the focus, and has a name."""
    with opened(browser, written(ALL), viewport=_NARROW) as page:
        frame = page.locator("#figures .scroll").first
        frame.focus()
        page.keyboard.press("ArrowRight")
        # The page forbids what `wait_for_function` would run in it.
        for _ in range(_MOST_LOOKS):
            if frame.evaluate("it => it.scrollLeft") > 0:
                break
            page.wait_for_timeout(50)
        assert frame.evaluate("it => it.scrollLeft") > 0
        assert frame.get_attribute("aria-label")
        # Chromium alone gives the focus to whatever scrolls.
        assert frame.get_attribute("tabindex") == "0"
