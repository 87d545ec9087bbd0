"""What is measured is the same on both sides of the pipe."""

from __future__ import annotations

from dataclasses import replace
from multiprocessing.connection import Pipe
from typing import Any

import pytest

from perf.experiment.against.protocol import (
    block_message,
    counts_message,
    read_block,
    read_counts,
)
from perf.experiment.answers import Counts
from perf.experiment.arms import Found, MeasuredBlock
from perf.load.pools.base import BlockRun
from perf.load.record import BlockTotals, JobRecord
from perf.stats.capacity import Probe
from tests.support.fakes import TOP

PLAIN = (dict, list, str, int, float, bool, type(None))

RECORDS = (
    JobRecord(1, 10.5, 10.6, 10.7, 11.25, TOP, ""),
    JobRecord(0, 10.5, 10.5, 10.5, 12.0, (), "died: killed"),
)
BLOCK = MeasuredBlock(
    BlockRun(RECORDS, BlockTotals(10.25, 12.5, 0.125, 3.75)), ("a.jpg", "/b/ü.jpg")
)
PROBES = (
    Probe(rate_rps=2.0, scheduled=40, good=40, effective=39.5),
    Probe(rate_rps=4.0, scheduled=80, good=20, effective=7.25, grew=True),
)
OPEN = replace(
    BLOCK,
    run=BlockRun(RECORDS, BLOCK.run.totals._replace(under_way_s=1.5)),
    goodput_rps=2.5,
)
SEARCH = replace(BLOCK, found=Found(3.5, 9.0, 0.99, PROBES))
PILED_UP = replace(BLOCK, found=Found(3.5, 9.0, 0.99, PROBES, jobs_pile_up=True))


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


@pytest.mark.parametrize(
    "block",
    [BLOCK, OPEN, SEARCH, PILED_UP],
    ids=["closed loop", "fixed rate", "search", "search with jobs that load the model"],
)
def test_a_block_survives_the_pipe(block: MeasuredBlock) -> None:
    """All that is measured is the same; only the answers stay with the host."""
    found = read_block(sent(block_message(block)))
    kept = tuple(record._replace(answer=()) for record in RECORDS)
    assert found == replace(block, run=replace(block.run, records=kept))
    assert (found.figure, found.judged_rps) == (block.figure, block.judged_rps)


def test_a_block_of_an_older_tree_can_be_read() -> None:
    """It knows no search, no goodput, and does not say how many jobs were under way."""
    message = dict(block_message(BLOCK))
    for later in ("found", "goodput_rps", "under_way_s"):
        del message[later]
    assert read_block(message) == read_block(block_message(BLOCK))


def test_a_search_of_an_older_tree_can_be_read() -> None:
    """It does not say whether its jobs pile up."""
    message = dict(block_message(SEARCH))
    message["found"] = {k: v for k, v in message["found"].items() if k != "jobs_pile_up"}
    assert read_block(message).found == SEARCH.found


def test_what_was_computed_beside_a_block_survives_the_pipe() -> None:
    """An older tree does not tell it, and then it is nothing."""
    message = block_message(replace(BLOCK, beside=7))
    assert read_block(sent(message)).beside == 7
    older = {key: value for key, value in message.items() if key != "beside"}
    assert read_block(sent(older)).beside == 0


def test_counts_survive_the_pipe() -> None:
    """All counts and the first error are the same."""
    counts = Counts(total=9, failed=2, wrong=1, missed=3, first_error="a.jpg: died")
    assert read_counts(sent(counts_message(counts))) == counts


def test_messages_are_made_of_plain_objects() -> None:
    """A class of one revision may not exist in another."""
    assert all(is_plain(block_message(block)) for block in (BLOCK, OPEN, SEARCH))
    assert is_plain(counts_message(Counts(missed=1)))
    assert not is_plain({"block": BLOCK})


def test_counts_without_missed_requests_are_those_of_an_older_tree() -> None:
    """It refuses a key that it does not know."""
    assert set(counts_message(Counts(total=1))) == {
        "total",
        "failed",
        "wrong",
        "first_error",
    }
