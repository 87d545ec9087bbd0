"""CPU and memory over the time of the blocks, in few enough spans for a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_SPANS = 20
"""How many spans are kept, unless there are more blocks."""

_LEAST_S = 0.5  # the kernel counts CPU time in hundredths of a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What was used in a part of one block."""

    block: int
    """Which block it belongs to, from 0."""

    duration_s: float

    cpu_s: Mapping[str, float]
    """The CPU time of each part of the experiment, in seconds."""

    memory_bytes: Mapping[str, int]
    """The highest memory of all processes together, by kind: pss, rss, as far as read."""


class Timeline:
    """Joins what is read into spans, so that there are at most `MOST_SPANS`.

    Only spans of the same block are joined. So where there are more blocks than that,
    each has one span.
    """

    def __init__(self) -> None:
        """Start before the first block."""
        self._block = -1
        self._least_s = _LEAST_S  # a span that is no longer than this takes in the next
        self._spans: list[Span] = []

    def begin_block(self) -> None:
        """Begin the next block."""
        self._join_the_end()
        self._block += 1

    def add(
        self, duration_s: float, cpu_s: Mapping[str, float], memory_bytes: Mapping[str, int]
    ) -> None:
        """Add what was used since the last call, in the block that was begun last."""
        assert self._block >= 0, "no block was begun"
        self._append(
            Span(
                block=self._block,
                duration_s=duration_s,
                cpu_s=dict(cpu_s),
                memory_bytes=dict(memory_bytes),
            )
        )
        if len(self._spans) > MOST_SPANS:
            self._shorten()

    def spans(self) -> tuple[Span, ...]:
        """Return all spans, in the order of their time."""
        self._join_the_end()
        return tuple(self._spans)

    def _shorten(self) -> None:
        """Join neighbours until there are few enough."""
        blocks = len({one.block for one in self._spans})
        while len(self._spans) > max(MOST_SPANS, blocks):
            whole_s = sum(one.duration_s for one in self._spans)
            self._least_s = max(2.0 * self._least_s, whole_s / MOST_SPANS)
            spans, self._spans = self._spans, []
            for one in spans:
                self._append(one)

    def _join_the_end(self) -> None:
        """Join the last span to the one before it if it is short, in the same block."""
        if len(self._spans) > 1:
            before, last = self._spans[-2:]
            if last.block == before.block and last.duration_s <= self._least_s:
                self._spans[-2:] = [joined([before, last])]

    def _append(self, one: Span) -> None:
        last = self._spans[-1] if self._spans else None
        if last and last.block == one.block and last.duration_s <= self._least_s:
            self._spans[-1] = joined([last, one])
        else:
            self._spans.append(one)


def joined(spans: Sequence[Span]) -> Span:
    """Return spans of one block, at least one, as a single span."""
    parts = dict.fromkeys(part for one in spans for part in one.cpu_s)
    kinds = dict.fromkeys(kind for one in spans for kind in one.memory_bytes)
    return Span(
        block=spans[0].block,
        duration_s=sum(one.duration_s for one in spans),
        cpu_s={part: sum(one.cpu_s.get(part, 0.0) for one in spans) for part in parts},
        memory_bytes={
            kind: max(one.memory_bytes.get(kind, 0) for one in spans) for kind in kinds
        },
    )
