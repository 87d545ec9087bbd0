"""Whether a measurement can be used: what must not happen while it is made."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from perf.judge.judgement import Judgement
from perf.machine.interference import Conditions
from perf.stats import (
    Estimate,
    NotMeasuredError,
    Pair,
    Sample,
    Verdict,
    estimate_side_by_side,
)

PACE_JUMP = 0.25
"""How far the pace of a pair's two blocks may differ, as a natural logarithm."""

STOLEN_PERCENT = 5.0
FOREIGN_PERCENT = 4.0
IDLE_ARM_PERCENT = 3.0
THROTTLED_PERCENT = 1.0
_NAMED = 3  # foreign processes
HEADROOM = 3.0
"""The harness alone must be at least this many times as fast as the scenario."""

NULL_CONTROL = 0.02
"""How far the ratio of the reference to itself may lie from 1, as a share.

It is biased only where its whole interval lies beyond.
"""

NULL_CONFIDENCE = 0.999
"""The confidence of that interval; it is high because every run has such a ratio."""


class Limit(NamedTuple):
    """How much of the CPU something took, beside the limit; both in per cent."""

    what: str
    """What took it, as a message begins."""

    percent: float
    limit: float

    more: str = ""
    """What else a message says where the limit is exceeded."""

    @property
    def is_exceeded(self) -> bool:
        """Whether it took too much."""
        return self.percent > self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Who used the CPU during the blocks of one arm, in per cent of all usable cores."""

    stolen_percent: float
    foreign_percent: float
    throttled_percent: float
    idle_arm_percent: float

    busiest: Mapping[str, float] = field(default_factory=dict)
    """The same for the other processes that used most, by name and id."""


def shares(blocks: Sequence[Conditions], usable_cores: float) -> Shares:
    """Return the shares over all `blocks` together; there must be at least one."""
    all_s = usable_cores * sum(block.duration_s for block in blocks)
    return Shares(
        stolen_percent=100.0 * sum(b.stolen_s for b in blocks) / all_s,
        foreign_percent=max(0.0, 100.0 * sum(b.foreign_s for b in blocks) / all_s),
        throttled_percent=100.0 * sum(b.throttled_s for b in blocks) / all_s,
        idle_arm_percent=100.0 * sum(b.idle_arm_s for b in blocks) / all_s,
        busiest=_busiest(blocks, all_s),
    )


def worse_shares(one: Shares, other: Shares) -> Shares:
    """Return the higher of each two shares, with the processes of the busier one."""
    busier = max(one, other, key=lambda seen: seen.foreign_percent)
    return Shares(
        stolen_percent=max(one.stolen_percent, other.stolen_percent),
        foreign_percent=busier.foreign_percent,
        throttled_percent=max(one.throttled_percent, other.throttled_percent),
        idle_arm_percent=max(one.idle_arm_percent, other.idle_arm_percent),
        busiest=busier.busiest,
    )


def _busiest(blocks: Sequence[Conditions], all_s: float) -> dict[str, float]:
    used: Counter[str] = Counter()
    for block in blocks:
        used.update(block.busiest)
    return {name: 100.0 * s / all_s for name, s in used.most_common(_NAMED)}


def disturbances(by_blocks: Mapping[str, Shares]) -> list[str]:
    """Return a phrase for each limit that was exceeded; empty for a valid measurement.

    `by_blocks` has the shares during some blocks, such as `scenario blocks`.
    """
    found = []
    for blocks, seen in by_blocks.items():
        idle_arm = Limit("the waiting arm used", seen.idle_arm_percent, IDLE_ARM_PERCENT)
        found += [
            f"{blocks}: {one.what} {one.percent:.1f} % of the CPU (limit "
            f"{one.limit:g} %){one.more}"
            for one in (*limits_of(seen), idle_arm)
            if one.is_exceeded
        ]
    return found


def limits_of(seen: Shares) -> tuple[Limit, ...]:
    """Return what the machine itself took or gave to others, beside the limits."""
    busiest = _named(seen.busiest)
    return (
        Limit("the host stole", seen.stolen_percent, STOLEN_PERCENT),
        Limit("other processes used", seen.foreign_percent, FOREIGN_PERCENT, busiest),
        Limit("throttling took", seen.throttled_percent, THROTTLED_PERCENT),
    )


def _named(busiest: Mapping[str, float]) -> str:
    names = [f"{name} {percent:.1f} %" for name, percent in busiest.items() if percent > 0]
    return f", busiest {', '.join(names)}" if names else ""


def pace_fault(pair: Pair) -> str:
    """Return what is wrong with the pace of a pair's blocks, or the empty string.

    A pace that is known of neither block is nothing wrong: then it cannot be measured here.
    """
    ours, theirs = pair.scenario.pace, pair.reference.pace
    if ours is None or theirs is None:
        both_missing = ours is theirs
        return "" if both_missing else "the pace was measured in one of the two blocks only"
    jump = abs(math.log(ours) - math.log(theirs))
    if jump <= PACE_JUMP:
        return ""
    changed, limit = (f"{100 * math.expm1(one):.0f} %" for one in (jump, PACE_JUMP))
    return f"the pace changed by {changed} between the two blocks (limit {limit})"


def saturation(throughput_rps: float, ceiling_rps: float | None) -> str:
    """Return why the harness is too slow for a scenario, or the empty string.

    `ceiling_rps` is the throughput of the harness alone; None where it is unknown.
    """
    if ceiling_rps is None or throughput_rps * HEADROOM <= ceiling_rps:
        return ""
    return (
        f"the harness is too slow: alone it runs at most {_shown(ceiling_rps)} jobs/s, "
        f"less than {HEADROOM:g} times the scenario's {_shown(throughput_rps)}"
    )


def _shown(rate_rps: float) -> str:
    return f"{rate_rps:.0f}" if rate_rps >= 100.0 else f"{rate_rps:.3g}"  # noqa: PLR2004 -- three digits


def null_ratio(pairs: Sequence[Pair]) -> Estimate | None:
    """Return the ratio of the reference to itself, both blocks corrected for pace.

    Its confidence is NULL_CONFIDENCE. None where the pace was not measured.
    """
    if len(pairs) < 2:  # noqa: PLR2004 -- a spread needs two
        return None
    try:
        change = estimate_side_by_side(Sample(pairs))
    except NotMeasuredError:
        return None
    return change.interval((1.0 - NULL_CONFIDENCE) / 2.0)


def null_control(pairs: Sequence[Pair]) -> str:
    """Return why the ratio of the reference to itself is biased, or the empty string."""
    ratio = null_ratio(pairs)
    if ratio is None:
        return ""
    if ratio.low <= 1.0 + NULL_CONTROL and ratio.high >= 1.0 - NULL_CONTROL:
        return ""
    return (
        "the null control is biased: at equal pace, the ratio of the reference to itself "
        f"is {ratio.point:.3f} [{ratio.low:.3f}, {ratio.high:.3f}], all of it more than "
        f"{100 * NULL_CONTROL:g} % away from 1"
    )


def _by_blocks(by_arm: Mapping[str, Shares], against: str) -> dict[str, Shares]:
    """Return the shares by what a message calls the blocks of each arm.

    Side by side, the other tree's blocks stand where else those of the reference do.
    """
    found = {f"{arm} blocks": seen for arm, seen in by_arm.items()}
    if against and "reference blocks" in found:
        found[f"blocks of {against}"] = found.pop("reference blocks")
    return found


def checked(
    judgement: Judgement,
    *,
    fault: Exception | None,
    conditions: Mapping[str, Shares],
    saturated: str,
    biased: str,
) -> Judgement:
    """Return the judgement, or what takes its place where the measurement is no good.

    A fault, and a harness that is too slow, make it `invalid`. A machine that was
    disturbed, or does not measure the reference alike twice, leaves it `inconclusive`: that
    is no fault of what is measured.
    """
    if fault:
        return Judgement(
            verdict=Verdict.INVALID,
            reason=str(fault).partition("\n")[0],
            against=judgement.against,
            ours=judgement.ours,
        )
    if saturated:
        return replace(
            judgement, verdict=Verdict.INVALID, reason=saturated, is_elsewhere=False
        )
    disturbed = "; ".join(disturbances(_by_blocks(conditions, judgement.against)))
    said = (disturbed and f"the machine was disturbed: {disturbed}", biased)
    if reason := "; ".join(filter(None, said)):
        return replace(
            judgement, verdict=Verdict.INCONCLUSIVE, reason=reason, is_elsewhere=False
        )
    return judgement
