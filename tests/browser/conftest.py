"""Fixtures: Chromium, and pages that were written as a run writes them."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perf.report.formats.page import Page as PageFormat
from perf.report.run import RunResults

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium, for one test, because a test may leave no process behind.

    Without Chromium, skip; with PERF_REQUIRE_CHROMIUM=1, fail.
    """
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("PERF_REQUIRE_CHROMIUM") == "1":
            pytest.fail("PERF_REQUIRE_CHROMIUM=1, but there is no program `chromium`")
        pytest.skip("there is no program `chromium`")
    # Only the environment of all tests has this package.
    playwright = importlib.import_module("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started: Browser = driver.chromium.launch(executable_path=program)
        yield started
        started.close()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[RunResults], str]:
    """Return a function that writes the page of a run, and returns its address."""

    def write(run: RunResults) -> str:
        path = tmp_path / PageFormat().file_name
        path.write_text(PageFormat().render(run), encoding="utf-8")
        return path.as_uri()

    return write
