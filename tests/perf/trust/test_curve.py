"""The operating curve: drawn runs, other tools' rules, and that ours has not slipped."""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

from perf.config.table import Table
from perf.stats import Pair, Rule, Sample, Verdict, estimate_change
from perf.trust.__main__ import main
from perf.trust.curve import LOSSES, Curve, Rate, operating_curve, power_of
from perf.trust.recordings import (
    Recording,
    launches_of,
    read_recordings,
    recording_of,
    runs_of,
)
from perf.trust.render import Longer, markdown, plot
from perf.trust.resample import Plan, draw, drawable, follow
from perf.trust.rivals import RIVALS
from tests.support.fakes import entry, write_baseline

SEED = 7
DRAWN = 400


def steady_run(speed: float, seed: int, launches: int = 6) -> dict[str, list[list[Pair]]]:
    """Return a run of one scenario whose launches differ by 0.5 %, its blocks by 1 %."""
    rng = np.random.default_rng(seed)
    run = []
    for launch in range(launches):
        of_launch = rng.normal(0.0, 0.005)
        run.append(
            [
                Pair(speed * float(np.exp(of_launch + rng.normal(0.0, 0.01))), 1.0, launch)
                for _ in range(4)
            ]
        )
    return {"serving": run}


@cache
def recorded_curve() -> Curve:
    """Return the curve from the recordings that come with the suite."""
    runs = runs_of(read_recordings("process"))
    tolerances = {row.name: row.tolerance for row in Table.read().scenario}
    plan = Plan(tolerances=tolerances)
    return operating_curve(runs, plan, number=DRAWN, seed=SEED, losses=(0.0, 0.05, 0.10))


@pytest.fixture
def quiet_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs differ by less than a shared machine's do: the examples scatter little."""
    quiet = partial(estimate_change, run_sd=0.005)
    monkeypatch.setattr("perf.trust.resample.estimate_change", quiet)


@pytest.mark.usefixtures("quiet_runs")
def test_a_drawing_is_fixed_by_its_seed() -> None:
    """The same seed gives the same verdicts, another one others."""
    runs = [steady_run(5.0, 1), steady_run(5.0, 2)]
    first = draw(runs, Plan(tolerance=0.05), number=50, seed=1, slower={"serving": 0.035})
    again = draw(runs, Plan(tolerance=0.05), number=50, seed=1, slower={"serving": 0.035})
    other = draw(runs, Plan(tolerance=0.05), number=50, seed=2, slower={"serving": 0.035})
    assert (first.verdicts, first.launches) == (again.verdicts, again.launches)
    assert (first.verdicts, first.launches) != (other.verdicts, other.launches)


@pytest.mark.usefixtures("quiet_runs")
def test_a_baseline_of_two_runs_takes_three_recordings() -> None:
    """The run and each run of its baseline are of recordings of their own."""
    runs = [steady_run(5.0, seed) for seed in (1, 2, 3)]
    plan = Plan(tolerance=0.05, baseline_runs=2)
    assert drawable(runs[:2], plan) == []
    assert drawable(runs, plan) == ["serving"]
    same = draw(runs, plan, number=100, seed=1)
    assert same.verdicts["serving"] == {Verdict.UNCHANGED: 100}


@pytest.mark.usefixtures("quiet_runs")
def test_a_slow_down_is_called_and_no_change_is_not() -> None:
    """Where launches differ by half a per cent a tenth is seen, and nothing is nothing."""
    runs = [steady_run(5.0, 1), steady_run(5.0, 2)]
    same = draw(runs, Plan(tolerance=0.05), number=200, seed=1)
    slower = draw(runs, Plan(tolerance=0.05), number=200, seed=1, slower={"serving": 0.10})
    assert same.verdicts["serving"] == {Verdict.UNCHANGED: 200}
    assert same.alarms == 0
    assert slower.verdicts["serving"] == {Verdict.REGRESSED: 200}
    assert slower.alarms == 200


@pytest.mark.usefixtures("quiet_runs")
def test_a_certain_verdict_ends_the_run() -> None:
    """Launches after the one that decides are not looked at."""
    run = steady_run(5.0, 1)["serving"]
    baseline = Sample(pair for launch in steady_run(5.0, 2)["serving"] for pair in launch)
    rule = Rule(planned=6, scenarios=1, tolerance=0.05)
    assert follow(run, [baseline], rule) == (Verdict.UNCHANGED, 2)


def test_a_rate_has_wilsons_interval() -> None:
    """The interval is the textbook's, also where nothing or everything was hit."""
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
def test_other_rules_keep_their_thresholds(slower: float, called: set[str]) -> None:
    """Each calls a steady series slower from its own threshold on."""
    before = [1.0 + 0.001 * n for n in range(16)]
    after = [slower * duration for duration in before]
    found = {name for name, rule in RIVALS.items() if rule(before, after)}
    assert {name.replace("-", " ").replace(",", " ").split()[0] for name in found} == called


def test_a_recording_is_read_as_written(tmp_path: Path) -> None:
    """What a result holds comes back pair by pair, launch by launch."""
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


def test_what_is_no_result_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is no result ends with one line that names the option."""
    path = tmp_path / "no.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main(["--add", str(path)])
    assert "--add" in capsys.readouterr().err.splitlines()[-1]


def test_the_page_has_every_rule_and_every_loss() -> None:
    """The page and the plot are made of the curve alone, and leave nothing out."""
    runs = [steady_run(5.0, 1), steady_run(5.0, 2)]
    curve = operating_curve(runs, Plan(), number=20, seed=1)
    power = power_of(runs, Plan(planned=3), number=20, seed=1)
    longer = Longer(planned=3, power=power)
    page = markdown(curve, [], Plan(), 20, "2026-01-02", longer=longer)
    assert "where it may take 3 launches" in page
    assert page.count(str(power["serving", LOSSES[-1]])) >= 1
    for name in ("this suite", "serving", *RIVALS):
        assert name in page
    assert all(f" {loss:.0%} " in page for loss in LOSSES)
    assert plot(curve).startswith(b"<?xml")


def test_the_recordings_are_runs_of_this_suite() -> None:
    """Every row of the standard run is in two or more, and has launches in each."""
    recordings: list[Recording] = read_recordings("process")
    assert drawable(runs_of(recordings), Plan()) == [
        "decentralized",
        "serving-batch",
        "serving-single",
        "serving-workers-2",
    ]
    for one in recordings:
        for name in one.scenarios:
            assert len(launches_of(one.sample(name).pairs)) >= 2


def test_false_alarms_have_not_become_more() -> None:
    """Of recorded runs drawn again without a change, at most 1 % have an alarm."""
    assert recorded_curve().alarms.interval[0] <= 0.01


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
def test_what_is_seen_has_not_become_less(row: str, loss: float, share: float) -> None:
    """A loss is called regressed as often as when the suite's page was drawn."""
    assert recorded_curve().power[row, loss].interval[1] >= share
