"""Hypothesis strategies for samples, and what may be done to them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from perf.stats import Block, Change, Pair, Sample

# Every run tries the same examples, and no example has a deadline.
properties = settings(derandomize=True, deadline=None, max_examples=40)

rates = st.floats(min_value=0.01, max_value=10_000.0)
factors = st.floats(min_value=0.01, max_value=100.0)
blocks = st.builds(Block, rates, factors, rates, rates, rates)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Return pairs in one launch or more, with everything measured."""
    arms = draw(st.lists(st.tuples(blocks, blocks), min_size=2, max_size=12))
    launches = draw(st.integers(1, len(arms)))
    return Sample(Pair(*both, k % launches) for k, both in enumerate(arms))


def faster_machine(sample: Sample, factor: float) -> Sample:
    """Return the sample as a machine that is `factor` times as fast would measure it."""

    def faster(block: Block) -> Block:
        assert block.pace is not None
        assert block.cpu_ms is not None
        assert block.p99_ms is not None
        return replace(
            block,
            rps=block.rps * factor,
            pace=block.pace * factor,
            cpu_ms=block.cpu_ms / factor,
            p99_ms=block.p99_ms / factor,
        )

    return Sample(
        replace(p, scenario=faster(p.scenario), reference=faster(p.reference))
        for p in sample.pairs
    )


def swapped(sample: Sample) -> Sample:
    """Return the sample with its arms swapped."""
    return Sample(
        replace(p, scenario=p.reference, reference=p.scenario) for p in sample.pairs
    )


def shuffled(sample: Sample, random: Random) -> Sample:
    """Return the sample with its pairs in another order."""
    return Sample(random.sample(sample.pairs, len(sample)))


def assert_same(left: Change, right: Change) -> None:
    """Assert that two changes are equal except for rounding."""
    assert left.point == pytest.approx(right.point, abs=1e-9)
    assert left.standard_error == pytest.approx(right.standard_error, abs=1e-9)
    assert left.half_width(0.01) == pytest.approx(right.half_width(0.01), abs=1e-9)
