"""The operating curve: resampled runs, the rules of other tools, and how good ours is."""

from __future__ import annotations

import json
import re
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

from perf.config.table import Table
from perf.stats import Pair, Rule, Sample, Verdict, estimate_change
from perf.trust.__main__ import live_results, main
from perf.trust.curve import LOSSES, Curve, Rate, operating_curve, power_of
from perf.trust.recordings import (
    Recording,
    launches_of,
    read_recordings,
    recording_of,
    runs_of,
)
from perf.trust.render import Longer, Page, markdown, plot
from perf.trust.resample import Plan, first_verdict, resample, usable_scenarios
from perf.trust.rivals import RIVALS
from tests.support.fakes import entry, write_baseline

PAGE = Path(__file__).parents[3] / "perf" / "trust" / "CURVE.md"
SEED = 7
NUMBER = 400


def steady_run(rate: float, seed: int, launches: int = 6) -> dict[str, list[list[Pair]]]:
    """Return a run of one scenario; launches differ by 0.5 %, and their pairs by 1 %."""
    rng = np.random.default_rng(seed)
    run = []
    for launch in range(launches):
        of_launch = rng.normal(0.0, 0.005)
        run.append(
            [
                Pair(rate * float(np.exp(of_launch + rng.normal(0.0, 0.01))), 1.0, launch)
                for _ in range(4)
            ]
        )
    return {"serving": run}


@cache
def recorded_curve() -> Curve:
    """Return the curve of the suite's own recordings."""
    runs = runs_of(read_recordings("process"))
    return operating_curve(
        runs, table_plan(), number=NUMBER, seed=SEED, losses=(0.0, 0.05, 0.10)
    )


def table_plan() -> Plan:
    """Return the plan with the tolerances of the table."""
    return Plan(tolerances={row.name: row.tolerance for row in Table.read().scenario})


@pytest.fixture
def quiet_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Assume a smaller error of runs, as the runs of these examples hardly differ."""
    quiet = partial(estimate_change, run_sd=0.005)
    monkeypatch.setattr("perf.trust.resample.estimate_change", quiet)


@pytest.mark.usefixtures("quiet_runs")
def test_the_seed_decides_what_is_resampled() -> None:
    """The same seed gives the same verdicts, another seed gives others."""
    runs = [steady_run(5.0, 1), steady_run(5.0, 2)]
    plan, losses = Plan(tolerance=0.05), {"serving": 0.035}
    first = resample(runs, plan, number=50, seed=1, losses=losses)
    again = resample(runs, plan, number=50, seed=1, losses=losses)
    other = resample(runs, plan, number=50, seed=2, losses=losses)
    assert (first.verdicts, first.launches) == (again.verdicts, again.launches)
    assert (first.verdicts, first.launches) != (other.verdicts, other.launches)


@pytest.mark.usefixtures("quiet_runs")
def test_a_baseline_of_two_runs_needs_three_recordings() -> None:
    """The run and each run of its baseline come from different recordings."""
    runs = [steady_run(5.0, seed) for seed in (1, 2, 3)]
    plan = Plan(tolerance=0.05, baseline_runs=2)
    assert usable_scenarios(runs[:2], plan) == []
    assert usable_scenarios(runs, plan) == ["serving"]
    same = resample(runs, plan, number=100, seed=1)
    assert same.verdicts["serving"] == {Verdict.UNCHANGED: 100}


@pytest.mark.usefixtures("quiet_runs")
def test_a_loss_is_called_regressed_and_no_change_unchanged() -> None:
    """If launches differ by 0.5 %, a loss of 10 % is always detected."""
    runs, plan = [steady_run(5.0, 1), steady_run(5.0, 2)], Plan(tolerance=0.05)
    same = resample(runs, plan, number=200, seed=1)
    slower = resample(runs, plan, number=200, seed=1, losses={"serving": 0.10})
    assert same.verdicts["serving"] == {Verdict.UNCHANGED: 200}
    assert same.alarms == 0
    assert slower.verdicts["serving"] == {Verdict.REGRESSED: 200}
    assert slower.alarms == 200


@pytest.mark.usefixtures("quiet_runs")
def test_a_conclusive_verdict_ends_the_run() -> None:
    """Launches after the first conclusive verdict are not used."""
    run = steady_run(5.0, 1)["serving"]
    baseline = Sample(pair for launch in steady_run(5.0, 2)["serving"] for pair in launch)
    rule = Rule(planned=6, scenarios=1, tolerance=0.05)
    assert first_verdict(run, [baseline], rule) == (Verdict.UNCHANGED, 2)


def test_a_rate_has_wilsons_interval() -> None:
    """The interval is that of the textbook, also for a share of 0."""
    assert Rate(0, 100).interval == pytest.approx((0.0, 0.0370), abs=1e-4)
    assert Rate(50, 100).interval == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert str(Rate(1, 100)) == "1.00% [0.18%, 5.45%]"


@pytest.mark.parametrize(
    ("slower", "called"),
    [
        (1.0, set()),
        (1.06, {"pytest", "benchstat", "perf_analyzer"}),
        (1.2, {"pytest", "benchstat", "perf_analyzer", "asv"}),
        (1.4, {"pytest", "benchstat", "perf_analyzer", "asv", "TorchServe"}),
    ],
)
def test_other_rules_have_their_own_thresholds(slower: float, called: set[str]) -> None:
    """Each rule calls a steady series slower from its own threshold on."""
    before = [1.0 + 0.001 * n for n in range(16)]
    after = [slower * duration for duration in before]
    found = {name for name, rule in RIVALS.items() if rule(before, after)}
    assert {name.replace("-", " ").replace(",", " ").split()[0] for name in found} == called


def test_a_recording_survives_the_file(tmp_path: Path) -> None:
    """A recording of a result is read back with all pairs and launches."""
    pairs = [
        {
            "scenario_rps": 6.0 + n,
            "reference_rps": 2.0,
            "launch": n // 2,
            "yardstick_rps": 7.0,
        }
        for n in range(4)
    ]
    result = write_baseline(tmp_path, "0001_x.json", entry(pairs=pairs))
    raw = json.loads(result.read_text("utf-8"))
    raw |= {"datetime": "2026-01-02T03:04:05", "machine_info": {"node": "here"}}
    raw["benchmarks"][0]["extra_info"]["serving_perf"]["about"] = {"CPU": "x"}
    result.write_text(json.dumps(raw), encoding="utf-8")
    made = recording_of(result, quiet=True)
    folder = tmp_path / "recordings"
    folder.mkdir()
    made.write(folder / "recording.json")
    (read,) = read_recordings("process", folder)
    assert read == made
    (launches,) = (run["serving-batch"] for run in runs_of([read]))
    assert [len(launch) for launch in launches] == [2, 2]
    assert launches[0][0] == Pair(6.0, 2.0, 0, 7.0)


def test_a_file_that_is_no_result_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last line of the error names the option."""
    path = tmp_path / "no.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main(["--add", str(path)])
    assert "--add" in capsys.readouterr().err.splitlines()[-1]


def test_the_page_has_every_rule_and_every_loss() -> None:
    """The page has all rules, scenarios and losses, and the plot is an SVG."""
    runs = [steady_run(5.0, 1), steady_run(5.0, 2)]
    curve = operating_curve(runs, Plan(), number=20, seed=1)
    power = power_of(runs, Plan(planned=3), number=20, seed=1)
    page = markdown(
        Page(
            curve=curve,
            recordings=[],
            plan=Plan(),
            number=20,
            computed_on="2026-01-02",
            longer=Longer(planned=3, power=power),
        )
    )
    assert "## The same with up to 3 launches" in page
    assert page.count(str(power["serving", LOSSES[-1]])) >= 1
    for name in ("this suite", "serving", *RIVALS):
        assert name in page
    assert all(f" {loss:.0%} " in page for loss in LOSSES)
    assert plot(curve).startswith(b"<?xml")


def _words(page: str) -> list[str]:
    """Return the lines of a page without its figures, and of its tables the headings."""
    lines = re.sub(r"[-\d,.]+%?", "#", page).splitlines()
    tables = [n for n, line in enumerate(lines) if line.startswith("|")]
    headings = [n for n in tables if n - 1 not in tables]
    return [
        " ".join(line.split())
        for n, line in enumerate(lines)
        if n in headings or n not in tables
    ]


def test_the_committed_page_has_the_words_of_the_program() -> None:
    """CURVE.md differs only in its figures from the page that the program writes."""
    recordings, plan = read_recordings("process"), table_plan()
    runs = runs_of(recordings)
    written = markdown(
        Page(
            curve=operating_curve(runs, plan, number=2, seed=SEED),
            recordings=recordings,
            plan=plan,
            number=10_000,
            computed_on="2026-01-02",
            live=live_results(plan),
            longer=Longer(planned=12, power=power_of(runs, plan, number=1, seed=SEED)),
        )
    )
    assert _words(PAGE.read_text("utf-8")) == _words(written)


def test_the_recordings_are_runs_of_this_suite() -> None:
    """Every scenario of a standard run is in at least two, with launches in each."""
    recordings: list[Recording] = read_recordings("process")
    assert usable_scenarios(runs_of(recordings), Plan()) == [
        "decentralized",
        "serving-batch",
        "serving-single",
        "serving-workers-2",
    ]
    for one in recordings:
        for name in one.scenarios:
            assert len(launches_of(one.sample(name).pairs)) >= 2


@pytest.mark.slow(reason="resamples thousands of runs")
def test_there_are_no_more_false_alarms_than_allowed() -> None:
    """At most 1 % of the resampled runs without a change have an alarm."""
    assert recorded_curve().alarms.interval[0] <= 0.01


@pytest.mark.slow(reason="resamples thousands of runs")
@pytest.mark.parametrize(
    ("row", "loss", "share"),
    [
        ("decentralized", 0.05, 0.95),
        ("decentralized", 0.10, 0.999),
        ("serving-single", 0.10, 0.45),
        ("serving-batch", 0.05, 0.65),
        ("serving-batch", 0.10, 0.99),
        ("serving-workers-2", 0.05, 0.95),
        ("serving-workers-2", 0.10, 0.999),
    ],
)
def test_losses_are_detected_as_often_as_before(
    row: str, loss: float, share: float
) -> None:
    """A loss is called regressed about as often as in CURVE.md."""
    assert recorded_curve().power[row, loss].interval[1] >= share
