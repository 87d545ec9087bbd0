"""The outcomes of live runs: verdicts, with the pairs that they were judged from.

Each file of `live/` holds the runs against one baseline, one verdict a line. Its first
lines hold the pairs of the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from perf.judge.stored import StoredPair
from perf.stats import Pair, Verdict
from perf.trust.recordings import launches_of

FOLDER = Path(__file__).with_name("live")
BASELINE = -1
"""The number of the run that is the baseline of the others."""


class Outcome(BaseModel):
    """The verdict on one scenario in one live run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    """The date and time of the run."""

    machine: str
    """The CPU and the machine class."""

    run: int
    """The number of the run in its file."""

    loss: float
    """The share of the server's throughput that the injected delay is meant to take."""

    scenario: str
    verdict: Verdict
    reason: str

    change: float | None
    """The estimated efficiency over that of the baseline; 1.0 means no change."""

    pairs: tuple[StoredPair, ...]

    @property
    def launches(self) -> list[list[Pair]]:
        """The pairs of each launch."""
        return launches_of([Pair(**dict(pair)) for pair in self.pairs])


def read_live(folder: Path = FOLDER) -> list[list[Outcome]]:
    """Return the outcomes of each file; raises pydantic.ValidationError."""
    return [
        [Outcome.model_validate_json(line) for line in path.read_text("utf-8").splitlines()]
        for path in sorted(folder.glob("*.jsonl"))
    ]


def outcomes_of(
    summary: Mapping[str, Any], at: str, run: int, loss: float
) -> Sequence[Outcome]:
    """Return the outcomes that a run's summary.json holds."""
    machine = f"{summary['machine']['CPU']}, {summary['machine_class']}"
    return [
        Outcome(
            at=at,
            machine=machine,
            run=run,
            loss=loss,
            scenario=row["name"],
            verdict=row["verdict"],
            reason=row["reason"],
            change=row["change"] and row["change"]["estimate"],
            pairs=row["pairs"],
        )
        for row in summary["scenarios"]
    ]
