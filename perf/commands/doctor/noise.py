"""How noisy the machine is: the instruments of a run, read while nothing is measured."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from perf.commands.doctor.findings import Finding, Level
from perf.judge import validity
from perf.judge.validity import Shares, limits_of, shares
from perf.machine.interference import Watch
from perf.machine.pace import Pace

_ELSEWHERE = "measure at another hour, or on another machine"
_WINDOWS = 4  # with 20 s each is as long as a block


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What the instruments read."""

    duration_s: float
    shares: Shares

    paces: Sequence[float]
    """The pace in each part of the time; empty where it could not be measured."""

    @property
    def pace_jump(self) -> float:
        """How far the pace of two parts in a row differs at most, as a share."""
        logs = [math.log(pace) for pace in self.paces]
        return max((math.expm1(abs(b - a)) for a, b in pairwise(logs)), default=0.0)

    @property
    def is_calm(self) -> bool | None:
        """Whether a run would be within all limits now; None where that is not known."""
        beyond = any(one.is_exceeded for one in limits_of(self.shares))
        if beyond or self.pace_jump > math.expm1(validity.PACE_JUMP):
            return False
        return True if self.paces else None


def listen(
    duration_s: float, usable_cores: float, sleep: Callable[[float], None] = time.sleep
) -> Noise:
    """Read the instruments for so many seconds. Raises ChildError.

    `sleep` passes a time in seconds.
    """
    pace = Pace()
    try:
        marks_s = [time.monotonic()]
        with Watch(lambda: (os.getpid(), *pace.pids)).block() as seen:
            for _ in range(_WINDOWS):
                sleep(duration_s / _WINDOWS)
                marks_s.append(time.monotonic())
        found = [pace.within((span,)) for span in pairwise(marks_s)]
    finally:
        pace.stop()
    known = [one for one in found if one is not None]
    return Noise(
        duration_s=duration_s,
        shares=shares(seen, usable_cores),
        paces=known if len(known) == len(found) else (),
    )


def findings(noise: Noise) -> Iterator[Finding]:
    """Yield each reading beside its limit, then whether the machine is calm."""
    for one in limits_of(noise.shares):
        said = f"{one.what} {one.percent:.1f} % of the CPU (limit {one.limit:g} %)"
        if one.is_exceeded:
            yield Finding(f"{said}{one.more}", Level.WARNING, _remedy(one.what))
        else:
            yield Finding(said)
    jump = math.expm1(validity.PACE_JUMP)
    if not noise.paces:
        yield Finding(
            "the pace of the cores could not be measured in so short a time",
            Level.WARNING,
            "watch the machine for longer: --seconds",
        )
    else:
        said = (
            f"the pace of the cores changed by at most {100 * noise.pace_jump:.1f} % from "
            f"one part of the time to the next (limit {100 * jump:.0f} %)"
        )
        is_restless = noise.pace_jump > jump
        yield Finding(
            said,
            Level.WARNING if is_restless else Level.GOOD,
            _ELSEWHERE if is_restless else "",
        )
    if noise.is_calm:
        yield Finding(f"the machine was calm for {noise.duration_s:g} s")
    elif noise.is_calm is False:
        yield Finding(
            f"the machine was noisy in these {noise.duration_s:g} s: a run would be "
            "inconclusive",
            Level.WARNING,
        )


def _remedy(what: str) -> str:
    if what.startswith("other processes"):
        return "end the processes that are named, or wait until they are done"
    return _ELSEWHERE
