"""What a run and the host of another tree say to each other.

The two may be of different revisions, so a message is made of plain dicts, lists, texts and
numbers. Raise `PROTOCOL` where a message changes its meaning: a host with another number is
refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from perf.experiment.answers import Counts
from perf.experiment.arms import Found, MeasuredBlock
from perf.load.pools.base import BlockRun
from perf.load.record import BlockTotals, JobRecord
from perf.stats.capacity import Probe

PROTOCOL = 1

HOST = "perf.experiment.against.host"
"""The module that a tree must have to take part."""

Message = Mapping[str, Any]


def block_message(block: MeasuredBlock) -> Message:
    """Return a block as a message, without the answers."""
    totals = block.run.totals
    return {
        "found": _found_message(block.found),
        "goodput_rps": block.goodput_rps,
        "beside": block.beside,
        "under_way_s": totals.under_way_s,
        "images": list(block.images),
        "began_s": totals.began_s,
        "ended_s": totals.ended_s,
        "pool_cpu_s": totals.pool_cpu_s,
        "jobs_cpu_s": totals.jobs_cpu_s,
        "records": [
            {
                "image": record.image,
                "scheduled_s": record.scheduled_s,
                "launched_s": record.launched_s,
                "started_s": record.started_s,
                "ended_s": record.ended_s,
                "error": record.error,
            }
            for record in block.run.records
        ],
    }


def read_block(message: Message) -> MeasuredBlock:
    """Return the block that `block_message` made a message of."""
    records = tuple(JobRecord(**one, answer=()) for one in message["records"])
    totals = BlockTotals(
        message["began_s"],
        message["ended_s"],
        message["pool_cpu_s"],
        message["jobs_cpu_s"],
        message.get("under_way_s", 0.0),  # an older tree does not say
    )
    found = _read_found(message.get("found"))
    return MeasuredBlock(
        BlockRun(records, totals),
        tuple(message["images"]),
        found,
        message.get("goodput_rps"),
        message.get("beside", 0),
    )


def _found_message(found: Found | None) -> Message | None:
    if found is None:
        return None
    return {**asdict(found), "probes": [asdict(probe) for probe in found.probes]}


def _read_found(message: Message | None) -> Found | None:
    if message is None:
        return None
    probes = tuple(Probe(**one) for one in message["probes"])
    return Found(
        message["capacity_rps"],
        message["closed_rps"],
        message["share"],
        probes,
        jobs_pile_up=message.get("jobs_pile_up", False),  # an older tree does not say
    )


def counts_message(counts: Counts) -> Message:
    """Return counts as a message."""
    return {
        "total": counts.total,
        "failed": counts.failed,
        "wrong": counts.wrong,
        "first_error": counts.first_error,
        # An older tree does not know it.
        **({"missed": counts.missed} if counts.missed else {}),
    }


def read_counts(message: Message) -> Counts:
    """Return the counts that `counts_message` made a message of."""
    return Counts(**message)
