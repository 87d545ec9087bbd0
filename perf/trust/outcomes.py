"""The outcomes of live runs: verdicts, with the pairs that they were judged from.

Each file of `live/` holds the runs of one call, one verdict a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from perf.judge.stored import StoredPair
from perf.stats import Verdict
from perf.trust.curve import Rate

FOLDER = Path(__file__).with_name("live")
_USUAL_FIGURE = "throughput"


class Compared(StrEnum):
    """What a run was compared with."""

    SIDE_BY_SIDE = "side by side"
    BASELINE = "a baseline"
    SETTLED = "a baseline, then its commit side by side"


class Outcome(BaseModel):
    """The verdict on one scenario in one live run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    """The date and time of the run."""

    machine: str
    """The CPU and the machine class."""

    model: str

    run: int
    """The number of the run in its file."""

    loss: float
    """The share of the server's throughput that the slower handler is meant to take."""

    scenario: str
    verdict: Verdict
    reason: str

    compared: Compared = Compared.SIDE_BY_SIDE

    turn_s: float = 0.0
    """Seconds of a turn; 0 where one block followed the other."""

    change: float | None
    """The estimated throughput at equal pace, over that of the other tree."""

    pairs: tuple[StoredPair, ...]

    @property
    def figure(self) -> str:
        """What was measured: the throughput, the capacity or the goodput."""
        return self.pairs[0].scenario.figure if self.pairs else _USUAL_FIGURE

    @property
    def cpu(self) -> str:
        """The name of the machine's CPU, without the class."""
        return self.machine.rpartition(", ")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """The verdicts for one loss on one kind of machine."""

    cpu: str
    figure: str
    compared: Compared
    turn_s: float
    loss: float

    scenario: str
    """The scenario's name; empty for all scenarios together."""

    verdicts: Mapping[Verdict, int]

    regressed: Rate
    """How often a valid run was called regressed."""

    change: float
    """The mean of the measured changes."""


def read_live(folder: Path = FOLDER) -> list[Outcome]:
    """Return all outcomes; raises pydantic.ValidationError."""
    return [
        Outcome.model_validate_json(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]


def outcomes_of(
    summary: Mapping[str, Any], at: str, run: int, loss: float
) -> Sequence[Outcome]:
    """Return the outcomes that a run's summary.json holds."""
    return [
        Outcome(
            at=at,
            machine=f"{summary['machine']['CPU']}, {summary['machine_class']}",
            model=summary["model"],
            run=run,
            loss=loss,
            scenario=row["name"],
            verdict=row["verdict"],
            reason=row["reason"],
            compared=_compared(row),
            turn_s=row.get("turn_s") or 0.0,
            change=row["change"] and row["change"]["estimate"],
            pairs=row.get("against_pairs") or row["pairs"],
        )
        for row in summary["scenarios"]
        if row["verdict"] != Verdict.NO_BASELINE
    ]


def _compared(row: Mapping[str, Any]) -> Compared:
    if not row.get("against"):
        return Compared.BASELINE
    is_settled = row.get("before") is not None
    return Compared.SETTLED if is_settled else Compared.SIDE_BY_SIDE


def live_rows(outcomes: Sequence[Outcome]) -> list[LiveRow]:
    """Return a row for each kind of machine and run, loss and scenario.

    The first row of a loss is for all scenarios.
    """
    names = ["", *dict.fromkeys(one.scenario for one in outcomes)]
    groups: dict[tuple[str, str, Compared, float, float], list[Outcome]] = {}
    for one in outcomes:
        key = (one.cpu, one.figure, one.compared, one.turn_s, one.loss)
        groups.setdefault(key, []).append(one)
    rows = [_row(groups[key], name) for key in sorted(groups) for name in names]
    return [row for row in rows if row is not None]


def _row(outcomes: Sequence[Outcome], name: str) -> LiveRow | None:
    of_row = [one for one in outcomes if name in ("", one.scenario)]
    changes = [one.change for one in of_row if one.change is not None]
    judged = [one for one in of_row if one.verdict is not Verdict.INVALID]
    if not judged or not changes:
        return None
    hits = sum(one.verdict is Verdict.REGRESSED for one in judged)
    return LiveRow(
        cpu=of_row[0].cpu,
        figure=of_row[0].figure,
        compared=of_row[0].compared,
        turn_s=of_row[0].turn_s,
        loss=of_row[0].loss,
        scenario=name,
        verdicts=Counter(one.verdict for one in of_row),
        regressed=Rate(hits, len(judged)),
        change=sum(changes) / len(changes) - 1.0,
    )
