"""The page of the trend in a real browser: silent, readable, and the same for everybody."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perf.history.series import series_of
from perf.report.trend.rendering import render
from tests.browser.test_page_in_chromium import opened
from tests.perf.report.test_trend import ODD, STEPPED
from tests.support.histories import two_commits

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow(reason="starts Chromium")

_NARROW = {"width": 360, "height": 740}
_WIDE = {"width": 1280, "height": 900}
_PAPER = {"width": 718, "height": 1047}
_UNFOLD = "document.querySelectorAll('details').forEach(d => d.open = true)"
HISTORIES = {"stepped": STEPPED, "odd": [*STEPPED, *ODD], "empty": []}


@pytest.fixture(params=HISTORIES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a page that was written as the command writes it."""
    path = tmp_path / "trend.html"
    text = render(series_of(HISTORIES[request.param], two_commits))
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


def test_the_page_needs_no_script_and_no_request(browser: Browser, address: str) -> None:
    """With and without scripts it has the same text but for the buttons, and is silent."""
    seen = []
    for enabled in (True, False):
        with opened(browser, address, java_script_enabled=enabled) as page:
            plots = page.locator(".field > svg").count()
            text = page.inner_text("body").replace("Copy", "").split()
            seen.append((page.title(), plots, text))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [_WIDE, _NARROW], ids=["wide", "narrow"])
def test_the_page_is_accessible(
    browser: Browser, address: str, scheme: str, viewport: dict[str, int]
) -> None:
    """Axe finds no fault in it, folded or not."""
    axe = importlib.resources.files("axe_playwright_python") / "axe.min.js"
    with opened(browser, address, color_scheme=scheme, viewport=viewport) as page:
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


@pytest.mark.parametrize("viewport", [_NARROW, _PAPER], ids=["narrow", "paper"])
def test_nothing_is_cut_off(
    browser: Browser, address: str, viewport: dict[str, int]
) -> None:
    """Neither on a narrow screen nor on paper is the page wider than its place."""
    with opened(browser, address, viewport=viewport) as page:
        page.evaluate(_UNFOLD)
        if viewport is _PAPER:
            page.emulate_media(media="print")
        widths = "[document.documentElement.scrollWidth, document.body.scrollWidth]"
        assert max(page.evaluate(widths)) <= viewport["width"]
