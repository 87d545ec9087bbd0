"""From probes at several rates to the capacity: the highest rate that meets an SLO.

A *probe* offers requests at one rate for a while. A request is *good* if it is answered
rightly within the SLO's time, counted from its scheduled start. The *attainment* is the
share of the scheduled requests that are good. The *capacity* is the rate at which the
attainment falls to the share that the SLO asks for.

- Requests of one batch, or behind one stall, fail together. So they count for fewer
  independent ones: their number is divided by the autocorrelation time of the failures.
- The interval of an attainment is exact (Clopper and Pearson, "The use of confidence or
  fiducial limits illustrated in the case of the binomial", Biometrika 26, 1934).
- More load never makes a server better, so attainments are made to fall with the rate
  (isotonic regression: Barlow and others, "Statistical inference under order
  restrictions", 1972). Between two rates they are interpolated along log(rate).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import betaincinv

_CONFIDENCE = 0.95

SEARCH_SD = 0.03
"""The error that a run's searches have in common, as a logarithm: a standard deviation.

No schedule has the bursts of an endless one, and each search begins where the one before
ended. So more launches do not remove this error. Chosen on four simulated servers and
tested on five others: see `docs/simulate_capacity.py`.
"""


_CLIFF = 0.5
"""Where a smaller share of the requests is good just above the capacity, it is a cliff."""


class Met(Enum):
    """Whether a probe meets an SLO."""

    YES = "yes"
    NO = "no"
    OPEN = "open"  # too few requests to say


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What was seen at one rate.

    Raises ValueError where the rate is not above zero, nothing was scheduled, or the
    counts do not fit.
    """

    rate_rps: float
    """The offered rate: scheduled requests a second."""

    scheduled: int
    """How many requests were scheduled."""

    good: int
    """How many of them were answered rightly and in time."""

    effective: float
    """For how many independent requests they count."""

    grew: bool = False
    """Whether the backlog grew all the time: then the rate is too high, whatever else."""

    def __post_init__(self) -> None:
        if not 0.0 < self.rate_rps < math.inf:
            raise ValueError(f"a probe needs a rate above 0, not {self.rate_rps}")
        if not 0 <= self.good <= self.scheduled or not 0 < self.effective <= self.scheduled:
            raise ValueError(f"the counts of a probe do not fit: {self}")

    @property
    def attainment(self) -> float:
        """The share of the scheduled requests that were good."""
        return self.good / self.scheduled

    def interval(self, confidence: float = _CONFIDENCE) -> tuple[float, float]:
        """Return the interval of the attainment, by Clopper and Pearson."""
        tail = (1.0 - confidence) / 2.0
        good = self.attainment * self.effective
        bad = self.effective - good
        low = float(betaincinv(good, bad + 1.0, tail)) if good > 0.0 else 0.0
        high = float(betaincinv(good + 1.0, bad, 1.0 - tail)) if bad > 0.0 else 1.0
        return low, high

    def met(self, share: float) -> Met:
        """Return whether the probe meets an SLO of `share`, if that is certain."""
        low, high = self.interval()
        if self.grew or high < share:
            return Met.NO
        return Met.YES if low >= share else Met.OPEN


def effective_size(bad: Sequence[bool]) -> float:
    """Return for how many independent requests these count, in their scheduled order.

    The number is divided by the autocorrelation time of the failures: 1 + 2 times the sum
    of the autocorrelations, up to the first pair of them whose sum is not positive (Geyer,
    "Practical Markov chain Monte Carlo", Statistical Science 7, 1992). Without a failure,
    or without a success, nothing is known of it, and the number stays. Raises ValueError
    where there is no request.
    """
    if not bad:
        raise ValueError("there is no request")
    values = np.asarray(bad, dtype=np.float64)
    centred = values - values.mean()
    variance = float(centred @ centred)
    if variance == 0.0:
        return float(len(values))
    spectrum = np.fft.rfft(centred, 2 * len(values))
    rho = np.fft.irfft(np.abs(spectrum) ** 2)[: len(values)] / variance
    total = 1.0
    for lag in range(1, len(values) - 1, 2):
        both = float(rho[lag] + rho[lag + 1])
        if both <= 0.0:
            break
        total += 2.0 * both
    return len(values) / max(1.0, total)


def falling(probes: Sequence[Probe]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rates in order, and the attainments made to fall with them.

    Probes at one rate are pooled. Where the backlog grew no request counts as good: the
    last ones were in time only because the probe ended. Both have the shape (rates,).
    """
    rates = np.array(sorted({probe.rate_rps for probe in probes}))
    at = [[p for p in probes if p.rate_rps == rate] for rate in rates]
    weights = np.array([sum(p.scheduled for p in ps) for ps in at], dtype=np.float64)
    good = np.array(
        [sum(0 if p.grew else p.good for p in ps) for ps in at], dtype=np.float64
    )
    fitted = isotonic_regression(good / weights, weights=weights, increasing=False)
    return rates, np.asarray(fitted.x)


def capacity_rps(probes: Sequence[Probe], share: float) -> float | None:
    """Return the rate at which the attainment falls to `share`.

    None where no probe lies below `share`, or none reaches it: then the rates of the probes
    do not contain the capacity.
    """
    rates, attained = falling(probes)
    reach = attained >= share
    if reach.all() or not reach.any():
        return None
    last = int(np.flatnonzero(reach)[-1])
    above, below = attained[last], attained[last + 1]
    part = (above - share) / (above - below)
    low, high = np.log(rates[last]), np.log(rates[last + 1])
    return float(np.exp(low + part * (high - low)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The capacity over several launches, with its interval.

    Rates are in requests a second, at the mean pace of the launches.
    """

    rps: float
    low_rps: float
    high_rps: float

    cliff: bool
    """Whether fewer than half of the requests were good at the next rate above it."""


def pooled_capacity(
    launches: Sequence[Sequence[Probe]], share: float, *, seed: int, number: int = 1000
) -> Capacity | None:
    """Return the capacity of all launches together; None where it is outside their rates.

    The interval is a percentile bootstrap (Efron, "Bootstrap methods: another look at the
    jackknife", Annals of Statistics 7, 1979), at 95 %. It draws launches, the attainment
    of each probe in them (`_drawn`), where between two rates the capacity lies, and the
    error that all searches have in common (`SEARCH_SD`). No verdict depends on it.
    """
    every = [probe for launch in launches for probe in launch]
    point = capacity_rps(every, share)
    if point is None:
        return None
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        chosen = rng.integers(len(launches), size=len(launches))
        drawn = [_drawn(probe, rng) for which in chosen for probe in launches[which]]
        common = math.exp(rng.normal(0.0, SEARCH_SD))
        found.append(common * _drawn_capacity(drawn, share, rng))
    tail = 100.0 * (1.0 - _CONFIDENCE) / 2.0
    low, high = np.percentile([*found, point], [tail, 100.0 - tail])
    return Capacity(
        rps=point,
        low_rps=float(min(low, point)),
        high_rps=float(max(high, point)),
        cliff=_is_cliff(every, point),
    )


def _drawn(probe: Probe, rng: np.random.Generator) -> Probe:
    """Return the probe with an attainment that could have been seen as well.

    It is drawn from what is known of the true one, with Jeffreys' prior (Brown, Cai and
    DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16,
    2001). So a hundred good requests of a hundred do not count as certain.
    """
    good = probe.attainment * probe.effective
    attained = rng.beta(good + 0.5, probe.effective - good + 0.5)
    return replace(probe, good=round(attained * probe.scheduled))


def _drawn_capacity(
    probes: Sequence[Probe], share: float, rng: np.random.Generator
) -> float:
    """Return a capacity that these probes allow.

    It lies anywhere between the last rate that reaches `share` and the next one: nothing
    was seen between them. Outside the rates, the one next to it counts.
    """
    rates, attained = falling(probes)
    reach = attained >= share
    if not reach.any():
        return float(rates[0])
    last = int(np.flatnonzero(reach)[-1])
    ends = np.log(rates[last : last + 2])
    return float(np.exp(rng.uniform(ends[0], ends[-1])))


def _is_cliff(probes: Sequence[Probe], capacity: float) -> bool:
    """Return whether fewer than half of the requests were good at the next rate above it.

    The requests are counted as they were seen: attainments that are made to fall hide a
    probe among better ones, and a growing backlog alone is no cliff.
    """
    next_rps = min((p.rate_rps for p in probes if p.rate_rps > capacity), default=None)
    there = [p for p in probes if p.rate_rps == next_rps]
    return sum(p.good for p in there) < _CLIFF * sum(p.scheduled for p in there)


def at_pace(probe: Probe, pace: float, mean_pace: float) -> Probe:
    """Return the probe with its rate in units of the mean pace.

    On a machine that was slower at the time, the same rate was more to bear.
    """
    return replace(probe, rate_rps=probe.rate_rps * mean_pace / pace)
