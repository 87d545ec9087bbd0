"""The rules of other tools, as they are published, for the same blocks.

Each rule takes the durations of the scenario's blocks in the baseline and now, in seconds
for an image. It returns whether it calls the scenario slower. `Pinpoint` judges runs side
by side. This module is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import ks_2samp, mannwhitneyu

from perf.stats import Block, Verdict
from perf.trust.draws import SideBySide

Durations = Sequence[float]
_BENCHSTAT = 0.05
_ASV = 0.002
_WINDOWS = 3
_STABLE = 0.10
_PINPOINT = 0.01
_FIRST_LOOK = 10  # attempts


def pytest_benchmark(baseline: Durations, now: Durations) -> bool:
    """`--benchmark-compare-fail=mean:5%`: the mean has grown by more than 5 %."""
    return bool(np.mean(now) > 1.05 * np.mean(baseline))


def benchstat(baseline: Durations, now: Durations) -> bool:
    """Go's benchstat: p < 0.05 in the Mann-Whitney test, and the median has grown."""
    p = mannwhitneyu(baseline, now, alternative="two-sided").pvalue
    return bool(p < _BENCHSTAT and np.median(now) > np.median(baseline))


def asv(baseline: Durations, now: Durations) -> bool:
    """`asv continuous`: p < 0.002 in that test, and the median has grown by over 10 %."""
    p = mannwhitneyu(baseline, now, alternative="two-sided").pvalue
    return bool(p < _ASV and np.median(now) > 1.1 * np.median(baseline))


def torchserve_nightly(baseline: Durations, now: Durations) -> bool:
    """TorchServe's nightly benchmark: over 30 % above the mean of earlier runs."""
    return bool(np.mean(now) > 1.3 * np.mean(baseline))


def perf_analyzer(baseline: Durations, now: Durations) -> bool:
    """Triton's perf_analyzer: a difference of over 5 % between two stable means."""
    return _stable_mean(now) > 1.05 * _stable_mean(baseline)


RIVALS: Mapping[str, Callable[[Durations, Durations], bool]] = {
    "pytest-benchmark, mean:5%": pytest_benchmark,
    "benchstat, p < 0.05": benchstat,
    "asv, p < 0.002 and 1.1": asv,
    "TorchServe nightly, 30 %": torchserve_nightly,
    "perf_analyzer, 3 within 10 %": perf_analyzer,
}


@dataclass(frozen=True, slots=True)
class Pinpoint:
    """Judges the runs of `beside` in the manner of Chromium's Pinpoint.

    It launches both trees in turn, takes each launch's mean time of an image, and knows no
    pace. They differ if the smaller p of the Mann-Whitney and the Kolmogorov-Smirnov test
    is at most 0.01. It looks after ten launches, and again after all of them.
    """

    beside: SideBySide

    @property
    def names(self) -> list[str]:
        """The scenarios."""
        return self.beside.names

    def outcome(
        self, name: str, factor: float, rng: np.random.Generator
    ) -> tuple[Verdict, int]:
        """Draw a run and judge it; no difference in the end counts as unchanged."""
        launches, _ = self.beside.draw(name, factor, rng)
        ours = [_image_s(pair.scenario for pair in one) for one in launches]
        theirs = [_image_s(pair.reference for pair in one) for one in launches]
        for seen in (_FIRST_LOOK, len(launches)):
            if (found := pinpoint(theirs[:seen], ours[:seen])) is not Verdict.UNCHANGED:
                return found, min(seen, len(launches))
        return Verdict.UNCHANGED, len(launches)


def pinpoint(theirs: Durations, ours: Durations) -> Verdict:
    """Return Pinpoint's verdict on the launches of two trees."""
    p = min(mannwhitneyu(theirs, ours).pvalue, ks_2samp(theirs, ours).pvalue)
    if p > _PINPOINT:
        return Verdict.UNCHANGED
    slower = np.median(ours) > np.median(theirs)
    return Verdict.REGRESSED if slower else Verdict.IMPROVED


def _image_s(blocks: Iterable[Block]) -> float:
    """Return the mean time of an image, in seconds."""
    return float(np.mean([1.0 / block.rps for block in blocks]))


def _stable_mean(durations: Durations) -> float:
    """Return the mean of the first three windows within 10 % of it, or else of all."""
    windows = np.array_split(np.asarray(durations), max(1, len(durations) // 2))
    means = [float(window.mean()) for window in windows]
    for first in range(len(means) - _WINDOWS + 1):
        three = means[first : first + _WINDOWS]
        middle = float(np.mean(three))
        if all(abs(one - middle) <= _STABLE * middle for one in three):
            return middle
    return float(np.mean(durations))
