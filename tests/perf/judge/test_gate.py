"""The gate: from pairs and a baseline to a verdict, and whether a verdict passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from perf.judge.baselines import BaselineStore
from perf.judge.gate import Evidence, judge_pairs
from perf.judge.judgement import Judgement, passes
from perf.stats import QUANTITIES, Block, Pair, Verdict
from perf.stats.moderated import Prior
from tests.perf.judge.judging import terms
from tests.support.fakes import IDENTITY, entry, pairs_of, write_baseline

NAME = "serving-batch"
# So wide that the scatter of a run decides below, not the error that every run has.
TOLERANCE = 0.25
# Two pairs a launch. The means of the launches scatter by 0.5, 40 and 60 %.
STEADY = (0.99, 1.0, 1.01, 1.0, 0.99, 1.01)
WIDE = (0.65, 0.65, 1.0, 1.0, 1.54, 1.54)
NOISY = (0.5, 0.6, 0.8, 1.2, 1.6, 2.0)


@pytest.fixture(autouse=True)
def quiet_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Assume a smaller error of each run than on a shared machine."""
    quiet = tuple(replace(one, run=Prior(0.005, 4.0)) for one in QUANTITIES)
    monkeypatch.setattr("perf.judge.gate.quantities_of", lambda _: quiet)


def pairs(
    *ratios: float,
    times: float = 1.0,
    launches: int = 3,
    reference_rps: float = 2.0,
    pace: float | None = 1.0,
) -> list[Pair]:
    """Return pairs with these ratios, each multiplied by `times`, at the same pace."""
    return [
        Pair(
            scenario=Block(2.0 * times * ratio, pace),
            reference=Block(reference_rps, pace),
            launch=place * launches // len(ratios),
        )
        for place, ratio in enumerate(ratios)
    ]


def judged(
    folder: Path,
    measured: list[Pair],
    *,
    tolerance: float = TOLERANCE,
    planned: int = 3,
    about: Mapping[str, str] | None = None,
) -> Judgement:
    """Return the verdict against what is stored in `folder`."""
    evidence = Evidence(name=NAME, pairs=measured, identity=IDENTITY, about=about or {})
    return judge_pairs(evidence, BaselineStore(folder), terms(tolerance, planned))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A storage with one baseline: three launches, with a ratio of 1."""
    write_baseline(tmp_path, "0001_first.json", entry(pairs=pairs_of(*STEADY, launches=3)))
    return tmp_path


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (pairs(*STEADY, times=0.5), Verdict.REGRESSED),
        (pairs(*STEADY, times=0.74), Verdict.REGRESSED),
        (pairs(*STEADY), Verdict.UNCHANGED),
        (pairs(*STEADY, times=0.95), Verdict.UNCHANGED),
        (pairs(*STEADY, times=1.05), Verdict.UNCHANGED),
        (pairs(*STEADY, times=1.5), Verdict.IMPROVED),
        (pairs(*WIDE), Verdict.INCONCLUSIVE),
        (pairs(*WIDE, times=0.74), Verdict.INCONCLUSIVE),
        (pairs(*WIDE, times=0.2), Verdict.REGRESSED),
        (pairs(*NOISY), Verdict.INCONCLUSIVE),
        (pairs(*NOISY, times=0.8), Verdict.INCONCLUSIVE),
        (pairs(*STEADY[:4], times=0.5, launches=2), Verdict.REGRESSED),
        (pairs(*STEADY[:2], times=0.5, launches=1), Verdict.REGRESSED),
    ],
)
def test_verdict_against_a_baseline(
    folder: Path, measured: list[Pair], verdict: Verdict
) -> None:
    """The whole interval of the change decides, and the judgement holds its numbers."""
    found = judged(folder, measured)
    assert found.verdict is verdict
    assert found.ratio is not None
    assert found.change is not None
    assert found.smallest_seen is not None
    assert found.baseline_ratio is not None
    assert found.baseline_ratio == pytest.approx(1.0, abs=1e-3)
    assert found.change.point == pytest.approx(found.ratio.point / found.baseline_ratio)
    assert found.change.low < found.change.point < found.change.high
    assert 0.0 < found.smallest_seen < 1.0
    assert found.baseline_file is not None
    assert Path(found.baseline_file).name == "0001_first.json"


def test_an_alarm_is_an_interval_without_no_change(folder: Path) -> None:
    """The interval of the change lies on one side of 1 exactly where there is an alarm."""
    slower = judged(folder, pairs(*WIDE, times=0.2)).change
    faster = judged(folder, pairs(*WIDE, times=5.0)).change
    unclear = judged(folder, pairs(*WIDE)).change
    assert slower is not None
    assert faster is not None
    assert unclear is not None
    assert slower.high < 1.0 < faster.low
    assert unclear.low < 1.0 < unclear.high


def test_runs_without_any_scatter_are_judged_too(tmp_path: Path) -> None:
    """Where all pairs are equal, the error that every run has still counts."""
    alike = entry(pairs=pairs_of(1.0, 1.0, launches=2))
    write_baseline(tmp_path, "0001_alike.json", alike)
    found = judged(tmp_path, pairs(1.0, 1.0, launches=2))
    assert found.verdict is Verdict.UNCHANGED
    assert found.change is not None
    assert found.change.low < 1.0 < found.change.high
    slower = judged(tmp_path, pairs(1.0, 1.0, times=0.5, launches=2))
    assert slower.verdict is Verdict.REGRESSED


def test_tolerance_is_the_scenarios_own(folder: Path) -> None:
    """The same loss passes a wide tolerance and fails a narrow one."""
    measured = pairs(*STEADY, times=0.8)
    assert judged(folder, measured, tolerance=0.4).verdict is Verdict.UNCHANGED
    assert judged(folder, measured, tolerance=0.05).verdict is Verdict.REGRESSED


def test_a_change_needs_no_reason(folder: Path) -> None:
    """Where a change was estimated the numbers say why; the reason stays empty."""
    for times in (0.5, 1.0, 1.5):
        assert judged(folder, pairs(*STEADY, times=times)).reason == ""
    assert judged(folder, pairs(*WIDE)).reason == ""


def test_the_smallest_loss_seen_is_an_alarm(folder: Path) -> None:
    """A loss of that size is a regression; a quarter of it is inconclusive."""
    seen = judged(folder, pairs(*WIDE)).smallest_seen
    assert seen is not None
    assert judged(folder, pairs(*WIDE, times=1 - seen)).verdict is Verdict.REGRESSED
    missed = judged(folder, pairs(*WIDE, times=1 - seen / 4))
    assert missed.verdict is Verdict.INCONCLUSIVE


def test_more_launches_see_less(folder: Path) -> None:
    """Of two runs with equal scatter, the one with more launches detects smaller losses."""
    few = judged(folder, pairs(*WIDE)).smallest_seen
    many = judged(folder, pairs(*WIDE, *WIDE, launches=6), planned=6).smallest_seen
    assert few is not None
    assert many is not None
    assert many < few


def test_blocks_of_a_launch_are_no_evidence_of_their_own(folder: Path) -> None:
    """Sixteen slower blocks are inconclusive where their two launches differ."""
    ratios = (*[0.8] * 8, *[0.95] * 8)
    found = judged(folder, pairs(*ratios, launches=2), planned=2, tolerance=0.05)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.ratio is not None
    assert found.ratio.low < 0.8
    assert found.ratio.high > 0.95


def test_an_early_look_asks_for_more(folder: Path) -> None:
    """After the same launches the interval is wider where more launches are planned."""
    measured = pairs(*STEADY[:4], launches=2)
    widths = []
    for planned in (2, 3, 8):
        change = judged(folder, measured, planned=planned).change
        assert change is not None
        widths.append(change.high - change.low)
    assert widths[0] < widths[1] < widths[2]


@pytest.mark.parametrize(
    ("times", "verdict"),
    [(0.5, Verdict.REGRESSED), (1.0, Verdict.UNCHANGED), (2.0, Verdict.IMPROVED)],
)
def test_one_launch_on_both_sides_is_judged(
    tmp_path: Path, times: float, verdict: Verdict
) -> None:
    """One launch has no spread of its own; how launches usually differ stands for it."""
    write_baseline(tmp_path, "0001_one.json", entry(pairs=pairs_of(*STEADY)))
    found = judged(tmp_path, pairs(*STEADY, times=times, launches=1), planned=1)
    assert found.verdict is verdict
    assert found.change is not None
    assert found.change.point == pytest.approx(times, rel=1e-3)


def test_a_slower_machine_is_no_loss(tmp_path: Path) -> None:
    """Where the cores are slower by as much, throughput at equal pace is unchanged."""
    stored = entry(pairs=pairs_of(*STEADY, launches=3, pace=2.0))
    write_baseline(tmp_path, "0001_first.json", stored)
    found = judged(tmp_path, pairs(*STEADY, times=0.5, pace=1.0))
    assert found.verdict is Verdict.UNCHANGED
    assert found.change is not None
    assert found.change.point == pytest.approx(1.0, rel=1e-3)
    assert found.ratio is not None
    assert found.ratio.point == pytest.approx(0.5, rel=1e-3)


def test_a_slower_reference_hides_no_loss(folder: Path) -> None:
    """A lower throughput is a regression, also where the ratio is the same."""
    found = judged(folder, pairs(*STEADY, times=0.5, reference_rps=1.0))
    assert found.verdict is Verdict.REGRESSED
    assert found.ratio is not None
    assert found.ratio.point == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("then", "now"), [(None, 1.0), (1.0, None)])
def test_without_pace_nothing_is_judged(
    tmp_path: Path, then: float | None, now: float | None
) -> None:
    """Where the pace of either run is unknown, the verdict is open and the reason is it."""
    stored = entry(pairs=pairs_of(*STEADY, launches=3, pace=then))
    write_baseline(tmp_path, "0001_first.json", stored)
    found = judged(tmp_path, pairs(*STEADY, times=0.5, pace=now))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == "throughput or its pace was not measured everywhere"
    assert (found.quantities, found.change, found.worse) == ((), None, ())
    assert found.ratio is not None
    assert found.baseline_ratio is not None


@pytest.mark.parametrize("times", [0.5, 1.0, 1.5])
def test_what_differs_from_the_baseline_is_told(tmp_path: Path, times: float) -> None:
    """Every judgement lists the facts that differ from the baseline's, and no others."""
    then = {"torch": "2.13.0", "kernel": "6.1", "CPU": "Zen 4", "only then": "1"}
    stored = entry(pairs=pairs_of(*STEADY, launches=3), about=then)
    write_baseline(tmp_path, "0001_first.json", stored)
    now = {"torch": "2.14.1", "kernel": "6.8", "CPU": "Zen 4", "only now": "1"}
    found = judged(tmp_path, pairs(*STEADY, times=times), about=now)
    assert found.differences == ("kernel 6.1 -> 6.8", "torch 2.13.0 -> 2.14.1")
    assert judged(tmp_path, pairs(*STEADY, times=times), about=then).differences == ()


def test_no_baseline(tmp_path: Path) -> None:
    """Without a baseline the ratio is known, and the reason says what is missing."""
    found = judged(tmp_path, pairs(*STEADY), about={"torch": "2.14.1"})
    assert found.verdict is Verdict.NO_BASELINE
    assert found.reason == f"no baseline for {NAME} in {tmp_path}"
    assert found.ratio is not None
    assert (found.change, found.baseline_ratio, found.baseline_file) == (None, None, None)
    assert (found.smallest_seen, found.differences) == (None, ())


def test_baseline_that_does_not_apply(tmp_path: Path) -> None:
    """A baseline of another machine class does not apply; the reason names the class."""
    other = IDENTITY.model_copy(update={"machine_class": "arm64-64cpu"})
    write_baseline(tmp_path, "0001_big.json", entry(identity=other))
    found = judged(tmp_path, pairs(*STEADY))
    assert found.verdict is Verdict.NO_BASELINE
    assert "machine_class" in found.reason
    assert "arm64-64cpu" in found.reason


def test_one_pair_is_inconclusive(folder: Path) -> None:
    """One pair has no spread, so it is always too little evidence."""
    for times in (0.1, 1.0, 10.0):
        found = judged(folder, pairs(1.0, times=times))
        assert found.verdict is Verdict.INCONCLUSIVE
        assert found.ratio is None
        assert found.reason == "a verdict needs at least 2 pairs, not 1"


def test_newest_baseline_decides(folder: Path) -> None:
    """The newest file that applies is the one compared with."""
    slow = entry(pairs=pairs_of(0.7, 0.7, 0.7, launches=3))
    write_baseline(folder, "0002_slow.json", slow)
    found = judged(folder, pairs(*STEADY, times=0.7))
    assert found.verdict is Verdict.UNCHANGED
    assert found.baseline_ratio == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("verdict", "green", "green_where_required"),
    [
        (Verdict.UNCHANGED, True, True),
        (Verdict.IMPROVED, True, True),
        (Verdict.REGRESSED, False, False),
        (Verdict.INVALID, False, False),
        (Verdict.INCONCLUSIVE, True, False),
        (Verdict.NO_BASELINE, True, False),
    ],
)
def test_what_passes(*, verdict: Verdict, green: bool, green_where_required: bool) -> None:
    """Regressed and invalid fail; too little evidence only where a baseline is required."""
    assert passes(verdict, baseline_required=False) is green
    assert passes(verdict, baseline_required=True) is green_where_required


def test_every_verdict_is_judged_here() -> None:
    """Where a baseline is required, two verdicts pass and no other."""
    required = {v for v in Verdict if passes(v, baseline_required=True)}
    assert required == {Verdict.UNCHANGED, Verdict.IMPROVED}


@pytest.mark.parametrize("times", [0.5, 1.0, 2.0])
def test_a_baseline_of_another_cpu_decides_nothing(tmp_path: Path, times: float) -> None:
    """At equal pace one CPU does more than another, so the verdict stays open.

    A run side by side should settle it. The reason names both CPUs.
    """
    stored = entry(pairs=pairs_of(*STEADY, launches=3), about={"CPU": "Zen 5"})
    write_baseline(tmp_path, "0001_first.json", stored)
    here = IDENTITY.model_copy(update={"cpu": "Zen 4"})
    evidence = Evidence(
        name=NAME, pairs=pairs(*STEADY, times=times), identity=here, about={"CPU": "Zen 4"}
    )
    found = judge_pairs(evidence, BaselineStore(tmp_path), terms(TOLERANCE, 3))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.is_open
    assert found.is_elsewhere
    assert not found.is_decided
    assert found.quantities == ()
    assert found.reason.startswith("0001_first.json was recorded on another CPU, Zen 5,")
    assert "this is Zen 4" in found.reason
    assert found.differences == ("CPU Zen 5 -> Zen 4",)
    assert found.baseline_ratio == pytest.approx(1.0, abs=0.01)
