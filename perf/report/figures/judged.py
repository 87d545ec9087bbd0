"""Figures of the verdict: what is judged, by how much it changed, and since when."""

from __future__ import annotations

from typing import Any

from perf.judge.gate import Judged
from perf.report import derived, formatting, message
from perf.report.fields import AMOUNT, ESTIMATE, TEXT, described
from perf.report.figures.base import Figure, Section
from perf.stats import Verdict

FIGURES: tuple[Figure[Any], ...] = (
    Figure(
        path="ratio",
        value=lambda result: result.judgement.ratio,
        schema=described(
            "Throughput over that of the reference; for information where an efficiency "
            "is judged.",
            ESTIMATE,
        ),
        sections=(Section.VERDICTS,),
        heading="ratio",
        show=formatting.interval,
    ),
    Figure(
        path="baseline_ratio",
        value=lambda result: result.judgement.baseline_ratio,
        schema=described("The ratio in the baseline.", AMOUNT),
        sections=(Section.VERDICTS,),
        heading="baseline\nratio",
        show=formatting.ratio,
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
            "Images a second of the model alone, in as many processes and threads, "
            "measured beside each of the scenario's blocks.",
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
    ),
    Figure(
        path="tolerance",
        value=lambda result: result.tolerance,
        schema=described("How much the efficiency may fall, as a fraction of one.", AMOUNT),
        sections=(Section.VERDICTS,),
        heading="tolerance",
        show=formatting.fraction,
    ),
    Figure(
        path="change",
        value=lambda result: result.judgement.change,
        schema=described(
            "What is judged: the efficiency over the baseline's, 1 for no change. The "
            "interval is the one that decides on an alarm.",
            ESTIMATE,
        ),
        sections=(Section.VERDICTS,),
        heading="change of\nefficiency",
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
        path="judged",
        value=lambda result: result.judgement.judged,
        schema={
            "description": "What `change` is a change of: the ratio where the baseline "
            "has no yardstick, else the efficiency; null where nothing was compared.",
            "enum": [None, *(judged.value for judged in Judged)],
        },
        required=False,
    ),
    Figure(
        path="smallest_seen",
        value=lambda result: result.judgement.smallest_seen,
        schema=described(
            "The smallest loss that this run would have called a regression 95 times in "
            "100, as a fraction of one.",
            AMOUNT,
        ),
    ),
    Figure(
        path="differences",
        value=lambda result: result.judgement.differences,
        schema={
            "description": "What is not as it was when the baseline was recorded.",
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
