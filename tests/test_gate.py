"""From pairs and a baseline to a verdict, and from a verdict to green or red."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf.baseline import BaselineStore
from perf.gate import Judgement, judge_pairs, passes
from perf.stats import Pair, Verdict
from tests.fakes import IDENTITY, entry, pairs_of, write_baseline

NAME = "serving-batch"
STEADY = (0.99, 1.0, 1.01, 1.0, 0.99, 1.01)
NOISY = (0.5, 2.0, 0.6, 1.6, 0.8, 1.2)


def pairs(*ratios: float, times: float = 1.0) -> list[Pair]:
    """Return measured pairs of these ratios, all of them multiplied by `times`."""
    return [Pair(2.0 * times * ratio, 2.0, 0) for ratio in ratios]


def judged(folder: Path, measured: list[Pair], tolerance: float = 0.1) -> Judgement:
    """Return the verdict against what is stored in `folder`."""
    return judge_pairs(NAME, measured, IDENTITY, BaselineStore(folder), tolerance)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A storage with a baseline whose ratio is 1, known to about a hundredth."""
    write_baseline(tmp_path, "0001_first.json", entry(pairs=pairs_of(*STEADY)))
    return tmp_path


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (pairs(*STEADY, times=0.7), Verdict.REGRESSED),
        (pairs(*STEADY), Verdict.UNCHANGED),
        (pairs(*STEADY, times=0.95), Verdict.UNCHANGED),
        (pairs(*STEADY, times=1.5), Verdict.IMPROVED),
        (pairs(*NOISY), Verdict.INCONCLUSIVE),
        (pairs(*STEADY, times=0.9), Verdict.INCONCLUSIVE),
        (pairs(*STEADY[:2], times=0.7), Verdict.REGRESSED),
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
    assert found.baseline_ratio is not None
    assert found.baseline_ratio == pytest.approx(1.0, abs=1e-3)
    assert found.change.point == pytest.approx(found.ratio.point / found.baseline_ratio)
    assert found.change.low <= found.change.point <= found.change.high
    assert found.baseline_file is not None
    assert Path(found.baseline_file).name == "0001_first.json"


def test_tolerance_is_the_scenarios_own(folder: Path) -> None:
    """What one scenario's tolerance bears, another's does not."""
    measured = pairs(*STEADY, times=0.85)
    assert judged(folder, measured, tolerance=0.3).verdict is Verdict.UNCHANGED
    assert judged(folder, measured, tolerance=0.05).verdict is Verdict.REGRESSED


def test_reason_says_by_how_much(folder: Path) -> None:
    """A change is told with its interval and the tolerance; no change needs no words."""
    assert judged(folder, pairs(*STEADY)).reason == ""
    worse = judged(folder, pairs(*STEADY, times=0.7)).reason
    assert worse.startswith("-30.0% [-30.")
    assert worse.endswith("against the baseline, tolerance 10%")
    unclear = judged(folder, pairs(*NOISY)).reason
    assert unclear.startswith("too little evidence: ")


def test_no_baseline(tmp_path: Path) -> None:
    """Without a baseline the ratio is known and the verdict says what is missing."""
    found = judged(tmp_path, pairs(*STEADY))
    assert found.verdict is Verdict.NO_BASELINE
    assert found.reason == f"no baseline of {NAME} in {tmp_path}"
    assert found.ratio is not None
    assert (found.change, found.baseline_ratio, found.baseline_file) == (None, None, None)


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
    write_baseline(folder, "0002_slow.json", entry(pairs=pairs_of(0.7, 0.7, 0.7)))
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
