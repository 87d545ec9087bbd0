"""docs/method.md says what the code does: its constants are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perf.judge import validity
from perf.stats import change, rule, sequential, verdict

ROOT = Path(__file__).parents[2]
TEXT = " ".join((ROOT / "docs" / "method.md").read_text("utf-8").split())


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        (r"lies more than ([\d.]+) standard deviations", change.OUTLYING),
        (r"taken as known: ([\d.]+) %", 100 * change.RUN_SD),
        (r"spending function of power (\d+)", sequential.SPENDING_POWER),
        (r"interval: it leaves out ([\d.]+) % on each side", 100 * rule.PASS_ALPHA),
        (r"is the ([\d.]+) % interval: it", 100 * (1 - 2 * rule.PASS_ALPHA)),
        (r"at most ([\d.]+) % of runs call some scenario regressed", 100 * rule.RUN_ALPHA),
        (r"another ([\d.]+) % call some scenario improved", 100 * rule.RUN_ALPHA),
        (r"with four of them, the interval leaves out ([\d.]+) %", 25 * rule.RUN_ALPHA),
        (r"an alarm (\d+) times in 100", 100 * verdict.POWER),
        (r"at least ([\d.]+) times the scenario's rate", validity.HEADROOM),
        (r"CPU stolen at most ([\d.]+) %", validity.STOLEN_PERCENT),
        (r"used by others at most ([\d.]+) %", validity.FOREIGN_PERCENT),
        (r"throttled at most ([\d.]+) %", validity.THROTTLED_PERCENT),
        (r"\(SIGSTOP\); at most ([\d.]+) % of the CPU", validity.IDLE_ARM_PERCENT),
        (r"the whole ([\d.]+) % interval lies outside", 100 * validity.NULL_CONFIDENCE),
        (r"interval lies outside ([\d.]+) to", 1 - validity.NULL_CONTROL),
        (r"interval lies outside 0.98 to ([\d.]+)", 1 + validity.NULL_CONTROL),
    ],
)
def test_the_constants_are_those_of_the_code(pattern: str, value: float) -> None:
    """Every constant has on the page the value that it has in the code."""
    found = re.findall(pattern, TEXT)
    assert [float(figure) for figure in found] == [pytest.approx(value)], pattern


def test_it_is_three_pages() -> None:
    """It is short enough to be read before a verdict is doubted."""
    assert len(TEXT.split()) < 1600
