"""Whether a measurement can be used at all: what must not happen while it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perf.machine.interference import Conditions
from perf.stats import Estimate

STOLEN_PERCENT = 5.0
FOREIGN_PERCENT = 4.0
IDLE_ARM_PERCENT = 3.0
THROTTLED_PERCENT = 1.0
HEADROOM = 3.0
"""A scenario must be this many times slower than what the harness itself can do."""

NULL_CONTROL = 0.02
"""How far the reference may be from itself, as a share, whole interval considered."""

NULL_CONFIDENCE = 0.999
"""That interval's confidence: every run has one, and chance must not make it invalid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What a kind of block had to share, in per cent of all usable cores' time."""

    stolen_percent: float
    foreign_percent: float
    throttled_percent: float
    idle_arm_percent: float


def shares(blocks: Sequence[Conditions], usable_cores: float) -> Shares:
    """Return the shares over all `blocks` together, of which there is at least one."""
    all_s = usable_cores * sum(block.duration_s for block in blocks)
    return Shares(
        stolen_percent=100.0 * sum(b.stolen_s for b in blocks) / all_s,
        foreign_percent=max(0.0, 100.0 * sum(b.foreign_s for b in blocks) / all_s),
        throttled_percent=100.0 * sum(b.throttled_s for b in blocks) / all_s,
        idle_arm_percent=100.0 * sum(b.idle_arm_s for b in blocks) / all_s,
    )


def disturbances(by_arm: Mapping[str, Shares]) -> list[str]:
    """Return what makes a measurement invalid, a phrase each; empty where all is well."""
    found = []
    for arm, seen in by_arm.items():
        for what, percent, limit in (
            ("the host gave its CPU to others", seen.stolen_percent, STOLEN_PERCENT),
            ("other processes were busy", seen.foreign_percent, FOREIGN_PERCENT),
            ("its CPU was throttled", seen.throttled_percent, THROTTLED_PERCENT),
            ("the arm at rest was busy", seen.idle_arm_percent, IDLE_ARM_PERCENT),
        ):
            if percent > limit:
                found.append(f"{arm}: {what} for {percent:.1f} %, at most {limit:g} %")
    return found


def saturation(throughput_rps: float, ceiling_rps: float | None) -> str:
    """Return why the harness was too slow for a scenario, or the empty string."""
    if ceiling_rps is None or throughput_rps * HEADROOM <= ceiling_rps:
        return ""
    return (
        f"the harness is saturated: {throughput_rps:.3g} of at most {ceiling_rps:.3g} "
        f"jobs/s, and it should be {HEADROOM:g} times faster than what it measures"
    )


def null_control(ratio: Estimate) -> str:
    """Return why the reference over itself shows a bias, or the empty string."""
    if ratio.low <= 1.0 + NULL_CONTROL and ratio.high >= 1.0 - NULL_CONTROL:
        return ""
    return (
        f"the null control is biased: the reference over itself is {ratio.point:.3f} "
        f"[{ratio.low:.3f}, {ratio.high:.3f}], and should be 1"
    )
