"""What became of requests that were offered on a schedule.

Three times are told apart for each request:

- *response*: from its scheduled start to its answer. This is what a user waits.
- *service*: from the moment it was sent to its answer.
- *lateness*: from its scheduled start to the moment it was sent. It is the client's doing.

Every scheduled request counts. One that failed, was answered wrongly or too late is not
good.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perf.stats.capacity import Probe, effective_size

_PARTS = 8
_RISING = 0.75
"""Kendall's tau of the parts of a probe from which on the backlog has grown.

Without a trend, 3 of 1,000 series of eight independent numbers reach it.
"""

_Floats = NDArray[np.float64]


class Request(NamedTuple):
    """One request; its times are in seconds of one clock."""

    scheduled_s: float
    sent_s: float
    ended_s: float
    right: bool
    """Whether it was answered, and rightly."""


@dataclass(frozen=True, slots=True, init=False)
class Offered:
    """The requests of one block, in the order of their schedule.

    Raises ValueError where there is none.
    """

    scheduled_s: _Floats
    sent_s: _Floats
    ended_s: _Floats
    right: NDArray[np.bool_]

    def __init__(self, requests: Sequence[Request]) -> None:
        if not requests:
            raise ValueError("no request was scheduled")
        ordered = sorted(requests)
        # This is the only way to set a field in the __init__ of a frozen dataclass.
        for name in ("scheduled_s", "sent_s", "ended_s"):
            values = np.array([getattr(one, name) for one in ordered], dtype=np.float64)
            object.__setattr__(self, name, values)
        object.__setattr__(self, "right", np.array([one.right for one in ordered]))

    @property
    def response_s(self) -> _Floats:
        """From the scheduled start to the answer; shape (requests,)."""
        return self.ended_s - self.scheduled_s

    @property
    def service_s(self) -> _Floats:
        """From the send to the answer; shape (requests,)."""
        return self.ended_s - self.sent_s

    @property
    def lateness_s(self) -> _Floats:
        """From the scheduled start to the send; shape (requests,)."""
        return self.sent_s - self.scheduled_s

    def good(self, slo_s: float) -> NDArray[np.bool_]:
        """Return which requests were answered rightly within `slo_s` of their schedule."""
        return self.right & (self.response_s <= slo_s)

    def probe(self, rate_rps: float, slo_s: float) -> Probe:
        """Return what was seen at the offered rate `rate_rps`, for an SLO of `slo_s`."""
        good = self.good(slo_s)
        return Probe(
            rate_rps=rate_rps,
            scheduled=len(good),
            good=int(good.sum()),
            effective=effective_size((~good).tolist()),
            grew=self.backlog_grew(),
        )

    def backlog_grew(self) -> bool:
        """Return whether ever more requests were under way as the block went on.

        The requests under way are counted at each scheduled start, and averaged over eight
        parts of the block. The backlog grew if the parts rise nearly without exception
        (Kendall, "A new measure of rank correlation", Biometrika 30, 1938), and the last
        has at least twice as many as the first, and two requests more.
        """
        if len(self.scheduled_s) < 2 * _PARTS:
            return False
        begun = np.arange(1, len(self.scheduled_s) + 1)
        ended = np.searchsorted(np.sort(self.ended_s), self.scheduled_s, side="right")
        parts = [float(part.mean()) for part in np.array_split(begun - ended, _PARTS)]
        if parts[-1] < max(2.0 * parts[0], parts[0] + 2.0):
            return False
        signs = [float(np.sign(b - a)) for a, b in itertools.combinations(parts, 2)]
        return sum(signs) / len(signs) >= _RISING

    def under_way_s(self) -> float:
        """Return the sum of the response times: requests under way, integrated over time.

        By Little's law ("A proof for the queuing formula L = lambda W", Operations Research
        9, 1961) a client that counts its requests under way must come to the same.
        """
        return math.fsum(self.response_s)
