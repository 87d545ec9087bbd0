"""The time line keeps sums and peaks, however many spans it joins."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.machine.timeline import MOST_SPANS, Span, Timeline

readings = st.lists(
    st.lists(
        st.tuples(
            st.floats(0.0, 20.0),
            st.dictionaries(st.sampled_from(["jobs", "server"]), st.floats(0.0, 40.0)),
            st.dictionaries(st.sampled_from(["pss", "rss"]), st.integers(0, 2**40)),
        ),
        max_size=80,
    ),
    max_size=6,
)
Reading = tuple[float, dict[str, float], dict[str, int]]


def spans_of(blocks: list[list[Reading]]) -> tuple[Span, ...]:
    """Return what a time line makes of the readings of each block."""
    timeline = Timeline()
    for block in blocks:
        timeline.begin_block()
        for duration_s, cpu_s, memory_bytes in block:
            timeline.add(duration_s, cpu_s, memory_bytes)
    return timeline.spans()


@given(readings)
def test_nothing_is_lost_and_blocks_stay_apart(blocks: list[list[Reading]]) -> None:
    """Of each block the length, the CPU time and the peaks are those of its readings."""
    spans = spans_of(blocks)
    assert len(spans) <= MOST_SPANS
    assert [one.block for one in spans] == sorted(one.block for one in spans)
    for number, block in enumerate(blocks):
        inside = [one for one in spans if one.block == number]
        assert math.fsum(one.duration_s for one in inside) == pytest.approx(
            math.fsum(length for length, _, _ in block)
        )
        for part in ("jobs", "server"):
            assert math.fsum(one.cpu_s.get(part, 0.0) for one in inside) == pytest.approx(
                math.fsum(cpu_s.get(part, 0.0) for _, cpu_s, _ in block)
            )
        for kind in ("pss", "rss"):
            known = [read[kind] for _, _, read in block if kind in read]
            kept = [one.memory_bytes[kind] for one in inside if kind in one.memory_bytes]
            assert max(kept, default=None) == max(known, default=None)


def test_more_blocks_than_spans_have_one_span_each() -> None:
    """Spans of two blocks are never joined."""
    one: Reading = (1.0, {"jobs": 1.0}, {})
    spans = spans_of([[one, one]] * (2 * MOST_SPANS))
    assert [span.block for span in spans] == list(range(2 * MOST_SPANS))
    assert {span.duration_s for span in spans} == {2.0}


def test_a_long_block_keeps_many_spans() -> None:
    """So a change of a tenth of the time is still seen."""
    spans = spans_of([[(0.25, {"jobs": 0.1}, {})] * 5000])
    assert MOST_SPANS / 3 <= len(spans) <= MOST_SPANS
    assert max(one.duration_s for one in spans) <= 0.1 * 1250.0
