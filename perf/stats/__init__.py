"""Samples, ratios and changes with their intervals, and verdicts.

These modules are pure: they compute from their arguments alone and read no clock, file or
option. So every result can be computed again from the stored pairs. docs/method.md lists
what is assumed.
"""

from perf.stats.blocks import percentiles, quantiles, throughput_rps
from perf.stats.change import (
    Change,
    estimate_change,
    estimate_level,
    estimate_side_by_side,
)
from perf.stats.foreseen import foreseen_side_by_side, foreseen_since
from perf.stats.launches import NotMeasuredError
from perf.stats.quantity import (
    CAPACITY,
    CPU,
    GOODPUT,
    MEMORY,
    P99,
    QUANTITIES,
    THROUGHPUT,
    Quantity,
    quantities_of,
)
from perf.stats.ratio import Estimate, estimate_ratio
from perf.stats.rule import RUN_ALPHA, Rule
from perf.stats.sample import Block, Pair, Sample, TooFewPairs
from perf.stats.verdict import Verdict

__all__ = [
    "CAPACITY",
    "CPU",
    "GOODPUT",
    "MEMORY",
    "P99",
    "QUANTITIES",
    "RUN_ALPHA",
    "THROUGHPUT",
    "Block",
    "Change",
    "Estimate",
    "NotMeasuredError",
    "Pair",
    "Quantity",
    "Rule",
    "Sample",
    "TooFewPairs",
    "Verdict",
    "estimate_change",
    "estimate_level",
    "estimate_ratio",
    "estimate_side_by_side",
    "foreseen_side_by_side",
    "foreseen_since",
    "percentiles",
    "quantiles",
    "quantities_of",
    "throughput_rps",
]
