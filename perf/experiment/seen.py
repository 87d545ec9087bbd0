"""One block of a pair, with what the instruments read beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from perf.experiment.arms import MeasuredBlock
from perf.experiment.instruments import BlockReading
from perf.experiment.probes import judged_rps, paces_of
from perf.machine.pace import PaceGauge
from perf.machine.pace_process import Spans
from perf.stats import Block, Pair, percentiles


@dataclass(frozen=True, slots=True)
class Seen:
    """One block, and what the instruments read beside it."""

    block: MeasuredBlock
    reading: BlockReading

    probe_paces: tuple[float | None, ...] = ()
    """Of a search for the capacity, the pace in the seconds of each probe."""

    spans: Spans = ()
    """When it ran, on the monotonic clock; empty where it ran from its begin to its end."""

    @classmethod
    def of(cls, block: MeasuredBlock, reading: BlockReading, pace: PaceGauge) -> Seen:
        """Return the block with what must be read of the pace while that runs."""
        return cls(block, reading, paces_of(block, pace))

    def figures(self, pace: PaceGauge) -> Block:
        """Return what the block is judged by."""
        block, totals = self.block, self.block.run.totals
        cores_pace = pace.within(self.spans or ((totals.began_s, totals.ended_s),))
        figures = Block(
            rps=judged_rps(block, self.probe_paces, cores_pace),
            figure=block.figure,
            pace=cores_pace,
            memory_bytes=self.reading.usage.memory_bytes,
            memory_kind=self.reading.usage.memory_kind,
        )
        if block.found and block.found.jobs_pile_up:
            return replace(figures, memory_bytes=None)
        if block.found:
            return figures  # requests at many rates: CPU time and latency say nothing
        # What failed has no latency: it counts as a fault, or against the goodput.
        known_ms = [one.latency_ms for one in block.run.records if not one.error]
        return replace(
            figures,
            cpu_ms=1e3 * self.reading.usage.cpu_s / block.computed or None,
            p99_ms=(percentiles(known_ms)["p99"] or None) if known_ms else None,
        )


@dataclass(frozen=True, slots=True)
class MeasuredPair:
    """A pair, and the two blocks that it was made of."""

    pair: Pair
    scenario: Seen
    reference: Seen
