"""Samples, ratios with their intervals, and verdicts. Pure: numbers in, numbers out.

Nothing here reads a clock, a file or an option, so every answer can be computed again
from the stored pairs.

Assumed: the logarithms of the pairs' ratios are independent draws from one roughly
normal distribution, whichever launch they come from. Launches are recorded but the
intervals ignore them: where launches differ from one another, the pairs of one launch
resemble each other, the variance is understated, and the interval is too narrow. More
launches mend that; more pairs of the same launch do not.
"""

from perf.stats.blocks import percentiles, throughput_rps
from perf.stats.ratio import Estimate, estimate_change, estimate_ratio
from perf.stats.sample import Pair, Sample, TooFewPairs
from perf.stats.verdict import Verdict, judge

__all__ = [
    "Estimate",
    "Pair",
    "Sample",
    "TooFewPairs",
    "Verdict",
    "estimate_change",
    "estimate_ratio",
    "judge",
    "percentiles",
    "throughput_rps",
]
