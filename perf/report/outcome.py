"""A scenario and its verdict: what a headline, a digest and a plot of changes need.

A `ScenarioResult` is one; so is what `perf.github` reads from the summary of another run.
"""

from __future__ import annotations

from typing import Protocol

from perf.judge.judgement import Judgement


class Outcome(Protocol):
    """One scenario."""

    @property
    def name(self) -> str:
        """The scenario's name."""

    @property
    def judgement(self) -> Judgement:
        """Its verdict, and the numbers behind it."""
