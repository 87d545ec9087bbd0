"""The probes of a search, from its block: each at the pace of its own seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perf.experiment.arms import MeasuredBlock
from perf.machine.pace import PaceGauge
from perf.stats.capacity import Probe, at_pace, capacity_rps
from perf.stats.offered import Offered, Request


def requests_of(block: MeasuredBlock) -> list[Request]:
    """Return the requests of a block, in the order of their images.

    A wrong answer ends the measurement, so here only a failure is not right.
    """
    return [
        Request(one.scheduled_s, one.launched_s, one.ended_s, not one.error)
        for one in sorted(block.run.records, key=lambda record: record.image)
    ]


def paces_of(block: MeasuredBlock, pace: PaceGauge) -> tuple[float | None, ...]:
    """Return the pace in the seconds of each probe; nothing for a block without probes."""
    if block.found is None:
        return ()
    return tuple(pace.within((_span(own),)) for own, _ in _by_probe(block))


def probes_at(
    block: MeasuredBlock,
    paces: Sequence[float | None],
    mean_pace: float,
    slo_s: float | None = None,
) -> list[Probe]:
    """Return the probes with their rates at `mean_pace`.

    `paces` has the pace of each probe, because it changes within seconds; where it is
    unknown the rate stays. With `slo_s` the probes are judged by that time.
    """
    found = []
    for (own, probe), now in zip(_by_probe(block), paces, strict=True):
        seen = probe if slo_s is None else Offered(own).probe(probe.rate_rps, slo_s)
        found.append(seen if now is None else at_pace(seen, now, mean_pace))
    return found


def judged_rps(
    block: MeasuredBlock, paces: Sequence[float | None], mean_pace: float | None
) -> float:
    """Return what a block is judged by; of a search, the capacity at its mean pace."""
    if block.found is None or mean_pace is None:
        return block.judged_rps
    found = capacity_rps(probes_at(block, paces, mean_pace), block.found.share)
    return block.judged_rps if found is None else found


def _span(requests: Sequence[Request]) -> tuple[float, float]:
    return min(x.scheduled_s for x in requests), max(x.ended_s for x in requests)


def _by_probe(block: MeasuredBlock) -> Iterator[tuple[list[Request], Probe]]:
    """Yield the requests of each probe with the probe."""
    assert block.found is not None
    requests = requests_of(block)
    for probe in block.found.probes:
        own, requests = requests[: probe.scheduled], requests[probe.scheduled :]
        yield own, probe
