"""How long a scenario is measured, and what settles what a baseline leaves open."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from perf.experiment import scenario_run as module
from perf.experiment.collect import Result
from perf.experiment.schedule import Budget
from perf.judge.judgement import Judgement
from perf.stats import Verdict
from serving.errors import PerfError
from tests.perf.experiment.scenario_bench import BESIDE, COMMIT, Make, make
from tests.support.suite import fresh_suite, tiny_model

__all__ = ["make"]  # a fixture


@pytest.mark.parametrize(
    ("asked", "baseline", "complete", "budget_s"),
    [
        (False, True, False, 60.0),
        (False, True, True, None),
        (False, False, False, None),
        (True, True, False, 60.0),
        (True, True, True, 60.0),
        (True, False, False, 60.0),
    ],
)
def test_profiles_budget_applies_where_a_baseline_judges(
    make: Make, *, asked: bool, baseline: bool, complete: bool, budget_s: float | None
) -> None:
    """The profile's budget applies with a baseline, if the run does not become one.

    A budget that the user asked for always applies. Without a budget, the profile's
    launches are measured. A run that becomes a baseline is never brief.
    """
    bench = make(baseline=baseline)
    bench.measure(budget_s=60.0 if asked else None, complete=complete)
    assert bench.asked == [("since", budget_s, baseline and not complete)]
    assert bench.benchmark.extra_info == {"kept": True}


def test_launches_that_are_counted_have_no_budget(make: Make) -> None:
    """Then no share of a budget is taken, neither before nor beside."""
    bench = make(verdict=Verdict.REGRESSED)
    bench.measure(budget=None)
    assert bench.asked == [("since", None, True), ("beside", BESIDE, None)]


@pytest.mark.parametrize("verdict", [Verdict.REGRESSED, Verdict.INCONCLUSIVE])
@pytest.mark.parametrize("beside", [Verdict.REGRESSED, Verdict.UNCHANGED])
def test_what_a_baseline_leaves_open_is_settled_side_by_side(
    make: Make, verdict: Verdict, beside: Verdict
) -> None:
    """The verdict side by side with the baseline's commit counts; the other is kept."""
    bench = make(verdict=verdict, beside=beside)
    found = bench.measure()
    assert bench.asked == [("since", 60.0, True), ("beside", BESIDE, 60.0)]
    assert found.judgement.verdict is beside
    assert found.judgement.before == Judgement(verdict=verdict)
    assert (found.pairs, found.against_pairs) == (("since",), ("beside",))


@pytest.mark.parametrize(
    "verdict", [Verdict.UNCHANGED, Verdict.NO_BASELINE, Verdict.INVALID]
)
def test_other_verdicts_need_no_settling(make: Make, verdict: Verdict) -> None:
    """They say that nothing changed, or cannot be settled."""
    bench = make(verdict=verdict)
    assert bench.measure().judgement == Judgement(verdict=verdict)
    assert [one[0] for one in bench.asked] == ["since"]


@pytest.mark.parametrize(
    ("commit", "settings", "why"),
    [
        ("fedcba", {}, "git does not have its commit fedcba, or that is too old"),
        (
            "",
            {},
            "0001_first.json has no commit, or was recorded with uncommitted changes",
        ),
        (COMMIT, {"confirm": False}, ""),
        (
            COMMIT,
            {"complete": True, "budget_s": 60.0},
            "a run that is saved judges by the baseline alone",
        ),
    ],
    ids=["not at hand", "unknown", "never", "saved"],
)
@pytest.mark.parametrize("verdict", [Verdict.REGRESSED, Verdict.INCONCLUSIVE])
def test_without_a_commit_the_baselines_verdict_counts(
    make: Make, verdict: Verdict, commit: str, settings: dict[str, object], why: str
) -> None:
    """Then the measurement is not brief, because nothing follows it.

    The verdict says why, except where the user has asked for it.
    """
    bench = make(verdict=verdict, commit=commit)
    assert bench.measure(**settings).judgement == Judgement(verdict=verdict, unsettled=why)
    assert bench.asked == [("since", 60.0, False)]


def test_what_needs_no_settling_gives_no_reason(make: Make) -> None:
    """Nothing is said of a commit that nobody needs."""
    bench = make(verdict=Verdict.UNCHANGED, commit="")
    assert bench.measure().judgement == Judgement(verdict=Verdict.UNCHANGED)


def test_time_that_builds_something_is_not_taken_from_the_rest(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100 s of which 90 built a model, only 10 are used up."""
    bench, budget = make(verdict=Verdict.REGRESSED), Budget({"decentralized": 60.0})
    found = bench.since_run

    def slow(rounds: object, budget_s: float | None, *, brief: bool) -> Result:
        clock = SimpleNamespace(monotonic=lambda: 1100.0)
        monkeypatch.setattr("perf.experiment.schedule.time", clock)
        budget.extend(90.0)
        return found(rounds, budget_s, brief=brief)

    monkeypatch.setattr(bench, "since_run", slow)
    bench.measure(budget=budget)
    assert [(one[0], one[-1]) for one in bench.asked] == [("since", True), ("beside", 50.0)]


def test_a_disturbed_machine_settles_nothing(make: Make) -> None:
    """It would disturb the measurement side by side too."""
    bench = make(verdict=Verdict.INCONCLUSIVE, disturbed=True)
    bench.measure()
    assert [one[0] for one in bench.asked] == ["since"]


@pytest.mark.parametrize("biased", ["it is biased", ""])
def test_a_reference_that_is_not_equal_to_itself_settles_nothing(
    make: Make, biased: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another comparison would prove nothing. Otherwise the reference is settled too."""
    monkeypatch.setattr(module, "null_control", lambda _: biased)
    bench = make(verdict=Verdict.INCONCLUSIVE, is_reference=True)
    bench.measure()
    assert [one[0] for one in bench.asked] == ["since", *([] if biased else ["beside"])]


def test_a_fault_is_published_and_raised(make: Make) -> None:
    """Nothing is settled after it."""
    fault = PerfError("the server died")
    bench = make(verdict=Verdict.INCONCLUSIVE, fault=fault)
    with pytest.raises(PerfError) as raised:
        bench.measure()
    assert raised.value is fault
    assert [one[0] for one in bench.asked] == ["since"]
    assert len(bench.published) == 1


def test_amounts_that_were_asked_for_are_measured_before_settling(make: Make) -> None:
    """A brief measurement would have fewer launches than the user wants."""
    bench = make(verdict=Verdict.REGRESSED)
    bench.measure(amounts_asked=True)
    assert bench.asked == [("since", 60.0, False), ("beside", BESIDE, 60.0)]


def test_against_measures_side_by_side_alone(make: Make) -> None:
    """No baseline is used, and none is made: the benchmark gets no entry."""
    bench = make(beside=Verdict.REGRESSED)
    assert bench.measure(against="v1.4").judgement.verdict is Verdict.REGRESSED
    assert bench.asked == [("beside", "v1.4", 60.0)]
    assert bench.benchmark.extra_info == {}


@pytest.mark.slow(reason="runs the suite")
def test_run_with_a_tiny_budget_measures_two_launches() -> None:
    """Even with a budget of 6 ms, two launches are measured and reported without error."""
    chosen = ("--perf-scenario", "decentralized", "-k", "throughput", "--perf-pairs", "1")
    with fresh_suite() as suite:
        run = suite.run("--perf-model", tiny_model(), *chosen, "--perf-budget", "0.0001")
        assert run.summary is not None, run.output
        pairs = run.row("decentralized")["pairs"]
    assert [pair["launch"] for pair in pairs] == [0, 1]
    assert "Traceback" not in run.output
