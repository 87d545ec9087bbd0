"""From pairs and a baseline to a verdict, and from a verdict to green or red."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from perf.judge.baselines import BaselineStore
from perf.judge.gate import Evidence, Judgement, judge_pairs, passes
from perf.stats import Pair, Rule, Verdict, estimate_change
from tests.support.fakes import IDENTITY, entry, pairs_of, write_baseline

NAME = "serving-batch"
# So wide that what decides below is a run's scatter, not the error that every run has.
TOLERANCE = 0.25
# Two pairs a launch. What scatters is the launches' means, by 0.5, 30 and 60 %.
STEADY = (0.99, 1.0, 1.01, 1.0, 0.99, 1.01)
WIDE = (0.75, 0.75, 1.0, 1.0, 1.33, 1.33)
NOISY = (0.5, 0.6, 0.8, 1.2, 1.6, 2.0)


@pytest.fixture(autouse=True)
def quiet_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs differ by less than a shared machine's do: the examples scatter little."""
    quiet = partial(estimate_change, run_sd=0.005)
    monkeypatch.setattr("perf.judge.gate.estimate_change", quiet)


def pairs(
    *ratios: float,
    times: float = 1.0,
    launches: int = 3,
    reference_rps: float = 2.0,
    yardstick_rps: float | None = None,
) -> list[Pair]:
    """Return measured pairs of these ratios, the scenario `times` as fast as they say."""
    return [
        Pair(
            scenario_rps=2.0 * times * ratio,
            reference_rps=reference_rps,
            launch=place * launches // len(ratios),
            yardstick_rps=yardstick_rps,
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
    rule = Rule(planned=planned, scenarios=1, tolerance=tolerance)
    return judge_pairs(evidence, BaselineStore(folder), rule)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A storage with a baseline of three launches whose ratio is 1."""
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
    """The whole interval of the change decides, and the numbers behind it are told."""
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
    """The interval that is told is the one that decides on an alarm."""
    slower = judged(folder, pairs(*WIDE, times=0.2)).change
    faster = judged(folder, pairs(*WIDE, times=5.0)).change
    unclear = judged(folder, pairs(*WIDE)).change
    assert slower is not None
    assert faster is not None
    assert unclear is not None
    assert slower.high < 1.0 < faster.low
    assert unclear.low < 1.0 < unclear.high


def test_runs_without_any_scatter_are_judged_too(tmp_path: Path) -> None:
    """Where all pairs are alike, the error that every run has is still reckoned with."""
    alike = entry(pairs=pairs_of(1.0, 1.0, launches=2))
    write_baseline(tmp_path, "0001_alike.json", alike)
    found = judged(tmp_path, pairs(1.0, 1.0, launches=2))
    assert found.verdict is Verdict.UNCHANGED
    assert found.change is not None
    assert found.change.low < 1.0 < found.change.high
    slower = judged(tmp_path, pairs(1.0, 1.0, times=0.5, launches=2))
    assert slower.verdict is Verdict.REGRESSED


def test_tolerance_is_the_scenarios_own(folder: Path) -> None:
    """What one scenario's tolerance bears, another's does not."""
    measured = pairs(*STEADY, times=0.8)
    assert judged(folder, measured, tolerance=0.4).verdict is Verdict.UNCHANGED
    assert judged(folder, measured, tolerance=0.05).verdict is Verdict.REGRESSED


@pytest.mark.parametrize(("times", "moved"), [(0.5, "-50.0%"), (1.5, "+50.0%")])
def test_reason_says_by_how_much(folder: Path, times: float, moved: str) -> None:
    """A change is told with its interval and the tolerance; no change needs no words."""
    assert judged(folder, pairs(*STEADY)).reason == ""
    found = judged(folder, pairs(*STEADY, times=times))
    change = found.change
    assert change is not None
    assert found.reason == (
        f"{moved} [{change.low - 1:+.1%}, {change.high - 1:+.1%}] "
        "against the baseline, tolerance 25%"
    )


def test_too_little_evidence_says_what_would_have_been_seen(folder: Path) -> None:
    """The reason ends with the smallest loss that so many launches would have shown."""
    found = judged(folder, pairs(*WIDE))
    seen = found.smallest_seen
    assert seen is not None
    assert found.reason.startswith("too little evidence: ")
    assert found.reason.endswith(
        "against the baseline, tolerance 25%; "
        f"a loss of {seen:.1%} would have been seen in 3 launches"
    )
    assert judged(folder, pairs(*WIDE, times=1 - seen)).verdict is Verdict.REGRESSED
    missed = judged(folder, pairs(*WIDE, times=1 - seen / 4))
    assert missed.verdict is Verdict.INCONCLUSIVE


def test_more_launches_see_less(folder: Path) -> None:
    """Of two runs that scatter alike, the one with more launches sees a smaller loss."""
    few = judged(folder, pairs(*WIDE)).smallest_seen
    many = judged(folder, pairs(*WIDE, *WIDE, launches=6), planned=6).smallest_seen
    assert few is not None
    assert many is not None
    assert many < few


def test_blocks_of_a_launch_are_no_evidence_of_their_own(folder: Path) -> None:
    """Sixteen blocks, all of them slower, tell nothing where their two launches differ."""
    ratios = (*[0.8] * 8, *[0.95] * 8)
    found = judged(folder, pairs(*ratios, launches=2), planned=2, tolerance=0.05)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason.endswith(" would have been seen in 2 launches")
    assert found.ratio is not None
    assert found.ratio.low < 0.8
    assert found.ratio.high > 0.95


def test_an_early_look_asks_for_more(folder: Path) -> None:
    """After the same launches the interval is wider where more of them are planned."""
    measured = pairs(*STEADY[:4], launches=2)
    widths = []
    for planned in (2, 3, 8):
        change = judged(folder, measured, planned=planned).change
        assert change is not None
        widths.append(change.high - change.low)
    assert widths[0] < widths[1] < widths[2]


@pytest.mark.parametrize("times", [0.1, 1.0, 10.0])
def test_one_launch_on_both_sides_is_inconclusive(tmp_path: Path, times: float) -> None:
    """Launches have no spread then, and the reason names the option that asks for more."""
    stored = entry(pairs=pairs_of(*STEADY), about={"torch": "2.13.0"})
    write_baseline(tmp_path, "0001_one.json", stored)
    measured = pairs(*STEADY, times=times, launches=1)
    found = judged(tmp_path, measured, planned=1, about={"torch": "2.14.1"})
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "with one launch in every run" in found.reason
    assert "--perf-launches" in found.reason
    assert len(found.reason.splitlines()) == 1
    assert (found.change, found.smallest_seen) == (None, None)
    assert found.ratio is not None
    assert found.ratio.point == pytest.approx(times, rel=1e-3)
    assert found.baseline_ratio == pytest.approx(1.0, abs=1e-3)
    assert found.baseline_file == str(next(tmp_path.glob("*/0001_one.json")))
    assert found.differences == ("torch 2.13.0 -> 2.14.1",)


def test_the_yardstick_explains_a_slower_machine(tmp_path: Path) -> None:
    """Where the model alone is as much slower, nothing has changed; the ratio is told."""
    stored = entry(pairs=pairs_of(*STEADY, launches=3, yardstick_rps=8.0))
    write_baseline(tmp_path, "0001_first.json", stored)
    found = judged(tmp_path, pairs(*STEADY, times=0.5, yardstick_rps=4.0))
    assert found.verdict is Verdict.UNCHANGED
    assert found.ratio is not None
    assert found.ratio.point == pytest.approx(0.5, rel=1e-3)


def test_a_slower_reference_hides_no_loss(tmp_path: Path) -> None:
    """A scenario that is slower beside the yardstick has regressed at the same ratio."""
    stored = entry(pairs=pairs_of(*STEADY, launches=3, yardstick_rps=8.0))
    write_baseline(tmp_path, "0001_first.json", stored)
    measured = pairs(*STEADY, times=0.5, reference_rps=1.0, yardstick_rps=8.0)
    found = judged(tmp_path, measured)
    assert found.verdict is Verdict.REGRESSED
    assert found.ratio is not None
    assert found.ratio.point == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("times", [0.5, 1.0, 1.5])
def test_what_differs_from_the_baseline_is_told(tmp_path: Path, times: float) -> None:
    """Whatever the verdict, it comes with what is not as it was, and nothing besides."""
    then = {"torch": "2.13.0", "kernel": "6.1", "CPU": "Zen 4", "only then": "1"}
    stored = entry(pairs=pairs_of(*STEADY, launches=3), about=then)
    write_baseline(tmp_path, "0001_first.json", stored)
    now = {"torch": "2.14.1", "kernel": "6.8", "CPU": "Zen 4", "only now": "1"}
    found = judged(tmp_path, pairs(*STEADY, times=times), about=now)
    assert found.differences == ("kernel 6.1 -> 6.8", "torch 2.13.0 -> 2.14.1")
    assert judged(tmp_path, pairs(*STEADY, times=times), about=then).differences == ()


def test_no_baseline(tmp_path: Path) -> None:
    """Without a baseline the ratio is known and the verdict says what is missing."""
    found = judged(tmp_path, pairs(*STEADY), about={"torch": "2.14.1"})
    assert found.verdict is Verdict.NO_BASELINE
    assert found.reason == f"no baseline of {NAME} in {tmp_path}"
    assert found.ratio is not None
    assert (found.change, found.baseline_ratio, found.baseline_file) == (None, None, None)
    assert (found.smallest_seen, found.differences) == (None, ())


def test_baseline_that_does_not_apply(tmp_path: Path) -> None:
    """A baseline of another machine class is none, and the reason names the class."""
    other = IDENTITY.model_copy(update={"machine_class": "arm64-64cpu"})
    write_baseline(tmp_path, "0001_big.json", entry(identity=other))
    found = judged(tmp_path, pairs(*STEADY))
    assert found.verdict is Verdict.NO_BASELINE
    assert "machine_class" in found.reason
    assert "arm64-64cpu" in found.reason


def test_one_pair_is_inconclusive(folder: Path) -> None:
    """One pair has no spread: whatever it shows, it is too little evidence."""
    for times in (0.1, 1.0, 10.0):
        found = judged(folder, pairs(1.0, times=times))
        assert found.verdict is Verdict.INCONCLUSIVE
        assert found.ratio is None
        assert found.reason == "1 pair has no spread"


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
    """Regressed or invalid is red; where a baseline is required, doubt is as well."""
    assert passes(verdict, baseline_required=False) is green
    assert passes(verdict, baseline_required=True) is green_where_required


def test_every_verdict_is_judged_here() -> None:
    """No verdict passes because nobody thought of it."""
    required = {v for v in Verdict if passes(v, baseline_required=True)}
    assert required == {Verdict.UNCHANGED, Verdict.IMPROVED}
