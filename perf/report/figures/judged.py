"""Figures of the verdict: what is judged, by how much it changed, and since when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from perf.judge.judgement import Judged, Judgement
from perf.report import derived, formatting, message
from perf.report.fields import (
    AMOUNT,
    ESTIMATE,
    NAME,
    TEXT,
    Field,
    as_object,
    described,
    object_schema,
)
from perf.report.figures.base import Figure, Section
from perf.report.result import ScenarioResult
from perf.stats import Verdict


def _any_known(
    value: Callable[[ScenarioResult], object],
) -> Callable[[Sequence[ScenarioResult]], bool]:
    """Return what shows a column only where some scenario has the value."""
    return lambda results: any(value(result) is not None for result in results)


def _before(result: ScenarioResult) -> dict[str, object] | None:
    before = result.judgement.before
    if before is None:
        return None
    return {
        "verdict": before.verdict,
        "change": before.change,
        "quantities": _quantities(before),
    }


def _turn_s(judgement: Judgement) -> float | None:
    return judgement.turn_s if judgement.against else None


def _quantities(judgement: Judgement) -> list[dict[str, object]]:
    return [as_object(_JUDGED, one) for one in judgement.quantities]


_JUDGED: tuple[Field[Judged, Any], ...] = (
    Field(path="quantity", value=lambda one: one.quantity, schema=NAME),
    Field(path="change", value=lambda one: one.change, schema=ESTIMATE),
    Field(path="tolerance", value=lambda one: one.tolerance, schema=AMOUNT),
    Field(
        path="verdict",
        value=lambda one: one.verdict,
        schema={"enum": [verdict.value for verdict in Verdict]},
    ),
)
_ALL_JUDGED = {"type": "array", "items": object_schema(_JUDGED, {})}

FIGURES: tuple[Figure[Any], ...] = (
    Figure(
        path="ratio",
        value=lambda result: result.judgement.ratio,
        schema=described(
            "Throughput over that of the reference, for information; null in a run side by "
            "side.",
            ESTIMATE,
        ),
        sections=(Section.VERDICTS,),
        heading="ratio",
        show=formatting.interval,
        shown=_any_known(lambda result: result.judgement.ratio),
    ),
    Figure(
        path="baseline_ratio",
        value=lambda result: result.judgement.baseline_ratio,
        schema=described("The ratio in the baseline.", AMOUNT),
        sections=(Section.VERDICTS,),
        heading="baseline\nratio",
        show=formatting.ratio,
        shown=_any_known(lambda result: result.judgement.ratio),
    ),
    Figure(
        path="baseline_file",
        value=lambda result: result.judgement.baseline_file,
        schema={"type": ["string", "null"]},
    ),
    Figure(
        path="yardstick_rps",
        value=lambda result: derived.yardstick_rps(result.pairs),
        schema=described(
            "Images a second of the model alone, in as many processes and threads; "
            "measured with --perf-limits.",
            AMOUNT,
        ),
    ),
    Figure(
        path="efficiency",
        value=lambda result: derived.efficiency(result.pairs),
        schema=described("Throughput over that of the model alone.", AMOUNT),
        sections=(Section.VERDICTS,),
        heading="efficiency",
        show=formatting.ratio,
        shown=_any_known(lambda result: derived.efficiency(result.pairs)),
    ),
    Figure(
        path="tolerance",
        value=derived.tolerance,
        schema=described("How much the throughput may fall, as a fraction of one.", AMOUNT),
        sections=(Section.VERDICTS,),
        heading="tolerance",
        show=formatting.fraction,
    ),
    Figure(
        path="change",
        value=lambda result: result.judgement.change,
        schema=described(
            "Throughput at equal pace, over that of the baseline or the other tree; 1 for "
            "no change. The interval is the one that decided on the verdict.",
            ESTIMATE,
        ),
        sections=(Section.VERDICTS,),
        heading="change of\nthroughput",
        show=formatting.change_interval,
    ),
    Figure(
        path="verdict",
        value=lambda result: result.judgement.verdict,
        schema={"enum": [verdict.value for verdict in Verdict]},
        sections=(Section.VERDICTS,),
        heading="verdict",
        align="left",
    ),
    Figure(
        path="reason",
        value=message.reason,
        schema=described("Why the verdict is what it is; empty for `unchanged`.", TEXT),
    ),
    Figure(
        path="quantities",
        value=lambda result: _quantities(result.judgement),
        schema=described(
            "All that was judged: the value over that of the baseline or of the other "
            "tree, corrected for pace, except memory.",
            _ALL_JUDGED,
        ),
        required=False,
    ),
    Figure(
        path="against",
        value=lambda result: result.judgement.against or None,
        schema={
            "description": "The other tree, where the verdict comes from a run side by "
            "side; else null.",
            "type": ["string", "null"],
        },
        required=False,
    ),
    Figure(
        path="turn_s",
        value=lambda result: _turn_s(result.judgement),
        schema=described(
            "Seconds of a turn in the run side by side, in which both trees ran at once; 0 "
            "where one block followed the other; null without such a run.",
            AMOUNT,
        ),
        required=False,
    ),
    Figure(
        path="before",
        value=_before,
        schema={
            "description": "What the baseline said, where it was settled side by side.",
            "type": ["object", "null"],
            "required": ["verdict", "change", "quantities"],
            "properties": {
                "verdict": {"enum": [verdict.value for verdict in Verdict]},
                "change": ESTIMATE,
                "quantities": _ALL_JUDGED,
            },
        },
        required=False,
    ),
    Figure(
        path="smallest_seen",
        value=lambda result: result.judgement.smallest_seen,
        schema=described(
            "The smallest loss that would be found 95 times in 100, as a fraction of one.",
            AMOUNT,
        ),
    ),
    Figure(
        path="differences",
        value=lambda result: result.judgement.differences,
        schema={
            "description": "What is not as in the baseline or the other tree.",
            "type": "array",
            "items": TEXT,
        },
    ),
    Figure(
        path="null_control",
        value=derived.null_control,
        schema=described(
            "The ratio of the reference to itself; null for every other scenario.",
            ESTIMATE,
        ),
    ),
)
