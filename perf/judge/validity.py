"""Whether a measurement can be used: what must not happen while it is made."""

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
"""The harness alone must be at least this many times as fast as the scenario."""

NULL_CONTROL = 0.02
"""How far the ratio of the reference to itself may lie from 1, as a share.

It is biased only where its whole interval lies beyond.
"""

NULL_CONFIDENCE = 0.999
"""The confidence of that interval; it is high because every run has such a ratio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Who used the CPU during the blocks of one arm, in per cent of all usable cores."""

    stolen_percent: float
    foreign_percent: float
    throttled_percent: float
    idle_arm_percent: float


def shares(blocks: Sequence[Conditions], usable_cores: float) -> Shares:
    """Return the shares over all `blocks` together; there must be at least one."""
    all_s = usable_cores * sum(block.duration_s for block in blocks)
    return Shares(
        stolen_percent=100.0 * sum(b.stolen_s for b in blocks) / all_s,
        foreign_percent=max(0.0, 100.0 * sum(b.foreign_s for b in blocks) / all_s),
        throttled_percent=100.0 * sum(b.throttled_s for b in blocks) / all_s,
        idle_arm_percent=100.0 * sum(b.idle_arm_s for b in blocks) / all_s,
    )


def disturbances(by_arm: Mapping[str, Shares]) -> list[str]:
    """Return a phrase for each limit that was exceeded; empty for a valid measurement.

    `by_arm` has the shares during the blocks of each arm.
    """
    found = []
    for arm, seen in by_arm.items():
        for what, percent, limit in (
            ("the host stole", seen.stolen_percent, STOLEN_PERCENT),
            ("other processes used", seen.foreign_percent, FOREIGN_PERCENT),
            ("throttling took", seen.throttled_percent, THROTTLED_PERCENT),
            ("the idle arm used", seen.idle_arm_percent, IDLE_ARM_PERCENT),
        ):
            if percent > limit:
                found.append(
                    f"{arm} blocks: {what} {percent:.1f} % of the CPU (limit {limit:g} %)"
                )
    return found


def saturation(throughput_rps: float, ceiling_rps: float | None) -> str:
    """Return why the harness is too slow for a scenario, or the empty string.

    `ceiling_rps` is the throughput of the harness alone; None where it is unknown.
    """
    if ceiling_rps is None or throughput_rps * HEADROOM <= ceiling_rps:
        return ""
    return (
        f"the harness is saturated: alone it does at most {ceiling_rps:.3g} jobs/s, less "
        f"than {HEADROOM:g} times the scenario's {throughput_rps:.3g}"
    )


def null_control(ratio: Estimate) -> str:
    """Return why the ratio of the reference to itself is biased, or the empty string."""
    if ratio.low <= 1.0 + NULL_CONTROL and ratio.high >= 1.0 - NULL_CONTROL:
        return ""
    return (
        f"the null control is biased: the ratio of the reference to itself is "
        f"{ratio.point:.3f} [{ratio.low:.3f}, {ratio.high:.3f}], and should lie within "
        f"{100 * NULL_CONTROL:g} % of 1"
    )
