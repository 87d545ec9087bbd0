"""Samples, ratios with their intervals, changes, and verdicts. Pure: numbers in, out.

Nothing here reads a clock, a file or an option, so every answer can be computed again
from the stored pairs. docs/method.md says what is assumed.
"""

from perf.stats.blocks import percentiles, throughput_rps
from perf.stats.change import Change, TooFewLaunches, estimate_change
from perf.stats.ratio import Estimate, estimate_ratio
from perf.stats.rule import Rule
from perf.stats.sample import Pair, Sample, TooFewPairs
from perf.stats.verdict import Verdict

__all__ = [
    "Change",
    "Estimate",
    "Pair",
    "Rule",
    "Sample",
    "TooFewLaunches",
    "TooFewPairs",
    "Verdict",
    "estimate_change",
    "estimate_ratio",
    "percentiles",
    "throughput_rps",
]
