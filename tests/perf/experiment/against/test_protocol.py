"""What is measured is the same on both sides of the pipe."""

from __future__ import annotations

from dataclasses import replace
from multiprocessing.connection import Pipe
from typing import Any

from perf.experiment.against.protocol import (
    block_message,
    counts_message,
    read_block,
    read_counts,
)
from perf.experiment.answers import Counts
from perf.experiment.arms import MeasuredBlock
from perf.load.pools.base import BlockRun
from perf.load.record import BlockTotals, JobRecord
from tests.support.fakes import TOP

PLAIN = (dict, list, str, int, float, type(None))

RECORDS = (
    JobRecord(1, 10.5, 10.6, 10.7, 11.25, TOP, ""),
    JobRecord(0, 10.5, 10.5, 10.5, 12.0, (), "died: killed"),
)
BLOCK = MeasuredBlock(
    BlockRun(RECORDS, BlockTotals(10.25, 12.5, 0.125, 3.75)), ("a.jpg", "/b/ü.jpg")
)


def sent(message: object) -> Any:  # noqa: ANN401 -- what came of any message
    """Return what the other end of a pipe receives."""
    ours, theirs = Pipe()
    with ours, theirs:
        ours.send(message)
        return theirs.recv()


def is_plain(value: object) -> bool:
    """Return whether a value is made of plain objects alone, all the way down."""
    if type(value) not in PLAIN:
        return False
    if isinstance(value, dict):
        return all(is_plain(part) for item in value.items() for part in item)
    return not isinstance(value, list) or all(is_plain(part) for part in value)


def test_a_block_survives_the_pipe() -> None:
    """Images, times and errors are the same; the answers stay with the host."""
    found = read_block(sent(block_message(BLOCK)))
    kept = tuple(record._replace(answer=()) for record in RECORDS)
    assert found == MeasuredBlock(BlockRun(kept, BLOCK.run.totals), BLOCK.images)
    assert found.throughput_rps == BLOCK.throughput_rps
    assert found.run.records[0].latency_ms == RECORDS[0].latency_ms


def test_what_was_computed_beside_a_block_survives_the_pipe() -> None:
    """An older tree does not tell it, and then it is nothing."""
    message = block_message(replace(BLOCK, beside=7))
    assert read_block(sent(message)).beside == 7
    older = {key: value for key, value in message.items() if key != "beside"}
    assert read_block(sent(older)).beside == 0


def test_counts_survive_the_pipe() -> None:
    """All counts and the first error are the same."""
    counts = Counts(total=9, failed=2, wrong=1, first_error="a.jpg: died")
    assert read_counts(sent(counts_message(counts))) == counts


def test_messages_are_made_of_plain_objects() -> None:
    """A class of one revision may not exist in another."""
    assert is_plain(block_message(BLOCK))
    assert is_plain(counts_message(Counts()))
    assert not is_plain({"block": BLOCK})
