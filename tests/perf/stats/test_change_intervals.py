"""The error of a change: compared with the textbook, and with simulated runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats

from perf.stats import Pair, Sample, estimate_change
from perf.stats.change import RUN_SD

TRUTH = math.log(0.9)  # the change of the simulated runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The standard deviations of the simulated noise, as natural logarithms."""

    run: float = 0.0
    launch: float = 0.0
    block: float = 0.0


def simulated(
    rng: np.random.Generator, shape: tuple[int, int], noise: Noise, log_change: float = 0.0
) -> Sample:
    """Return a run with normal noise; `shape` is (launches, pairs in each launch)."""
    launches, each = shape
    logs = log_change + rng.normal(0.0, noise.run) + rng.normal(0.0, noise.block, shape)
    logs += rng.normal(0.0, noise.launch, (launches, 1))
    return Sample(
        Pair(
            scenario_rps=30.0 * math.exp(logs[launch, block]),
            reference_rps=2.0,
            launch=launch,
            yardstick_rps=10.0,
        )
        for launch in range(launches)
        for block in range(each)
    )


def every_block_a_launch(sample: Sample) -> Sample:
    """Return the sample with a launch of its own for every pair."""
    return Sample(replace(p, launch=k) for k, p in enumerate(sample.pairs))


def test_the_error_is_that_of_the_textbook() -> None:
    """Without the error of the runs, the interval is Student's for two samples.

    The samples are the means of the launches.
    """
    rng = np.random.default_rng(4)
    noise = Noise(launch=0.02, block=0.03)
    current, baseline = (simulated(rng, (n, 4), noise) for n in (3, 6))
    expected = stats.ttest_ind(
        *(
            [
                np.mean([math.log(p.scenario_rps) for p in s.pairs if p.launch == one])
                for one in sorted(set(s.launches.tolist()))
            ]
            for s in (current, baseline)
        )
    ).confidence_interval(0.9)
    change = estimate_change(current, baseline, run_sd=0.0)
    got = change.interval(0.05)
    assert (math.log(got.low), math.log(got.high)) == pytest.approx(tuple(expected))
    assert math.exp(change.point) == got.point
    assert got.confidence == pytest.approx(0.9)
    assert change.freedom == 7


def test_the_error_of_a_run_counts_once_for_each_run() -> None:
    """The errors of two runs add to that of the launches, and raise the freedom."""
    rng = np.random.default_rng(4)
    current, baseline = (simulated(rng, (4, 4), Noise(launch=0.02)) for _ in range(2))
    alone = estimate_change(current, baseline, run_sd=0.0)
    both = estimate_change(current, baseline, run_sd=0.03)
    assert both.point == alone.point
    assert both.standard_error == pytest.approx(
        math.hypot(alone.standard_error, 0.03, 0.03)
    )
    assert both.freedom > alone.freedom
    assert estimate_change(current, baseline) == estimate_change(
        current, baseline, run_sd=RUN_SD
    )


def missed(
    shape: tuple[int, int],
    base_shape: tuple[int, int],
    noise: Noise,
    base_noise: Noise | None = None,
    *,
    as_launches: bool = True,
) -> list[int]:
    """Return how many of 2,000 95 % intervals lie below a loss of 10 %, and above it."""
    rng = np.random.default_rng(20250401)
    below = above = 0
    for _ in range(2_000):
        current = simulated(rng, shape, noise, TRUTH)
        baseline = simulated(rng, base_shape, base_noise or noise)
        if not as_launches:
            current, baseline = map(every_block_a_launch, (current, baseline))
        got = estimate_change(current, baseline, run_sd=noise.run).interval(0.025)
        below += math.log(got.high) < TRUTH
        above += math.log(got.low) > TRUTH
    return [below, above]


@pytest.mark.parametrize(
    ("shape", "base_shape", "noise"),
    [
        ((2, 4), (2, 4), Noise(launch=0.02, block=0.02)),
        ((2, 4), (12, 4), Noise(launch=0.02, block=0.02)),
        ((4, 4), (12, 4), Noise(launch=0.02, block=0.02)),
        ((4, 4), (12, 4), Noise(block=0.02)),
        ((4, 4), (12, 4), Noise(run=0.005, launch=0.01, block=0.02)),
    ],
)
def test_intervals_keep_their_confidence(
    shape: tuple[int, int], base_shape: tuple[int, int], noise: Noise
) -> None:
    """2.5 % of the 95 % intervals miss the truth on each side, within four standard errors.

    Four standard errors of a count of 2,000 with p = 0.025 are 28.
    """
    assert missed(shape, base_shape, noise) == [pytest.approx(50, abs=28)] * 2


def test_counting_every_block_would_miss_too_often() -> None:
    """If every block counted as one observation, the intervals would be too narrow.

    Where launches differ as much as blocks do, at least one interval in seven would miss
    the truth. One in 20 should.
    """
    noise = Noise(launch=0.02, block=0.02)
    as_blocks = missed((4, 4), (12, 4), noise, as_launches=False)
    assert sum(as_blocks) > 2_000 / 7
    assert sum(missed((4, 4), (12, 4), noise)) < 2_000 / 14
