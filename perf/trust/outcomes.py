"""What live runs came to: their verdicts, and the pairs that they were judged from.

A file of `live/` holds the runs against one baseline, a verdict a line; the baseline's
own pairs are its first lines.
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
"""The number of the run that is the others' baseline."""


class Outcome(BaseModel):
    """One verdict of one live run. `run` tells the runs of a file apart.

    `loss` is the share of throughput that was really taken from the server, `change` the
    estimated speed over the baseline's, `machine` the CPU and the machine's class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    machine: str
    run: int
    loss: float
    scenario: str
    verdict: Verdict
    reason: str
    change: float | None
    pairs: tuple[StoredPair, ...]

    @property
    def launches(self) -> list[list[Pair]]:
        """The pairs of each launch."""
        return launches_of([Pair(**dict(pair)) for pair in self.pairs])


def read_live(folder: Path = FOLDER) -> list[list[Outcome]]:
    """Return the verdicts of each file; raises pydantic.ValidationError."""
    return [
        [Outcome.model_validate_json(line) for line in path.read_text("utf-8").splitlines()]
        for path in sorted(folder.glob("*.jsonl"))
    ]


def outcomes_of(
    summary: Mapping[str, Any], at: str, run: int, loss: float
) -> Sequence[Outcome]:
    """Return the verdicts of a run's summary.json."""
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
