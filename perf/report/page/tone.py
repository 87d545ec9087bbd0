"""How the page marks a verdict: a symbol beside the word, and a class for the colour.

Colour alone would be lost on paper, and on readers who do not see it.
"""

from __future__ import annotations

from perf.stats import Verdict

SYMBOLS = {
    Verdict.REGRESSED: "▼",
    Verdict.IMPROVED: "▲",
    Verdict.UNCHANGED: "=",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NO_BASELINE: "○",
    Verdict.INVALID: "✕",
}


def tone_of(verdict: Verdict | None) -> str:
    """Return the class of a verdict; None is for a run without any."""
    return verdict.value.replace(" ", "-") if verdict else "nothing"


def symbol_of(verdict: Verdict | None) -> str:
    """Return the symbol of a verdict, or nothing for None."""
    return SYMBOLS[verdict] if verdict else ""
