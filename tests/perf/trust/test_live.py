"""Live runs: the delay inside the server, and the counts of the verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest

from perf.machine.lock import remove_left_folders
from perf.stats import Verdict
from perf.trust.curve import operating_curve
from perf.trust.livecurve import live_rows, runs_with_alarm
from perf.trust.outcomes import BASELINE, Outcome, outcomes_of, read_live
from perf.trust.render import Live, Page, markdown
from perf.trust.resample import Plan
from perf.trust.slower.sitecustomize import Delay
from serving.runtimes.base import FOLDER_PREFIX
from tests.perf.trust.test_curve import steady_run

SLOWER = Path(__file__).parents[3] / "perf" / "trust" / "slower"

# Stands in for the module that a worker imports; each of its batches takes 20 ms.
HANDLER = """
import time

class ImageClassifier:
    def inference(self, data):
        time.sleep(0.02)
        return data
"""

# Runs batches as a worker does, and prints when each began.
WORKER = """
import time
from ts.torch_handler.image_classifier import ImageClassifier

handler = ImageClassifier()
for number in range(12):
    print(time.monotonic(), flush=True)
    assert handler.inference(number) == number
"""


def pairs(*rates: float, launches: int = 2) -> list[dict[str, object]]:
    """Return pairs with these throughputs, beside a yardstick of 10 images a second."""
    return [
        {
            "scenario_rps": rate,
            "reference_rps": 2.0,
            "launch": place * launches // len(rates),
            "yardstick_rps": 10.0,
        }
        for place, rate in enumerate(rates)
    ]


def row(name: str, verdict: Verdict, change: float | None, *rates: float) -> object:
    """Return a scenario's entry in a summary."""
    return {
        "name": name,
        "verdict": verdict,
        "reason": "",
        "change": change and {"estimate": change},
        "pairs": pairs(*rates),
    }


def campaign() -> list[Outcome]:
    """Return a baseline, three runs without a loss, one of them invalid, and a slow run."""
    at = "2026-01-02T03:04"
    steady, slow = (6.0, 6.01, 6.0, 5.99), (3.0, 3.01, 3.0, 2.99)
    made = [
        *_of(at, BASELINE, 0.0, row("s", Verdict.NO_BASELINE, None, *steady, *steady)),
        *_of(at, 0, 0.0, row("s", Verdict.UNCHANGED, 1.0, *steady)),
        *_of(at, 1, 0.0, row("s", Verdict.INVALID, None, *steady)),
        *_of(at, 2, 0.5, row("s", Verdict.REGRESSED, 0.5, *slow)),
        *_of(at, 3, 0.0, row("s", Verdict.REGRESSED, 0.9, *steady)),
    ]
    return [Outcome.model_validate_json(one.model_dump_json()) for one in made]


def test_the_delay_is_a_share_of_the_time_between_batches() -> None:
    """A loss of 20 % makes five seconds of four seconds between two batches."""
    now_s = 0.0

    def clock() -> float:
        nonlocal now_s
        now_s += 0.001
        return now_s

    delay = Delay(0.2, clock)
    began_s = []
    for _ in range(10):
        began_s.append(now_s)
        delay.spend()
        now_s += 4.0
    cycles_s = [b - a for a, b in pairwise(began_s)]
    assert cycles_s[2:] == pytest.approx([5.0] * len(cycles_s[2:]), abs=0.02)


def test_a_wait_for_the_next_block_does_not_lengthen_the_delay() -> None:
    """After 96 seconds without a batch, the delay is still that of the usual batches."""
    times_s = iter([0.0, 0.0, 1.0, 2.0, 2.0, 3.0, 4.0, 4.0, 100.0, 101.1, 101.1])
    delay = Delay(0.5, lambda: next(times_s))
    for _ in range(3):
        delay.spend()
    delay.spend()  # 96 s after the last batch, but it computes for 1 s
    assert next(times_s, None) is None


@pytest.mark.parametrize("argument", ["model_service_worker.py", "another.py"])
def test_only_a_worker_is_delayed(tmp_path: Path, argument: str) -> None:
    """The batches take longer in a worker of the server, and in no other program."""
    package = tmp_path / "ts" / "torch_handler"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "image_classifier.py").write_text(HANDLER, encoding="utf-8")
    script = tmp_path / argument
    script.write_text(WORKER, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(SLOWER), "SERVING_PERF_LOSS": "0.5"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    began_s = [float(line) for line in done.stdout.split()]
    shortest_s = min(b - a for a, b in list(pairwise(began_s))[2:])
    slowed = argument.startswith("model_service_worker")
    assert (shortest_s >= 0.039) is slowed


def test_a_run_does_not_remove_the_folder_of_the_live_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run removes folders that servers left, and no others."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("serving-perf-live-1", "serving-perf-bisect-1", f"{FOLDER_PREFIX}1"):
        (tmp_path / name).mkdir()
    remove_left_folders()
    left = {folder.name for folder in tmp_path.iterdir()}
    assert left == {"serving-perf-live-1", "serving-perf-bisect-1"}


def test_verdicts_are_counted_by_loss() -> None:
    """Invalid verdicts are counted but are part of no rate, also of the simulated one."""
    found = live_rows([campaign()], Plan(planned=2, tolerance=0.15))
    assert [(one.loss, one.scenario) for one in found] == [
        (loss, name) for loss in (0.0, 0.5) for name in ("", "s")
    ]
    none, of_s, half, _ = found
    assert of_s.verdicts == none.verdicts  # it is the only scenario
    counted = {Verdict.UNCHANGED: 1, Verdict.INVALID: 1, Verdict.REGRESSED: 1}
    assert none.verdicts == counted
    assert (none.regressed.hits, none.regressed.total) == (1, 2)
    assert none.simulated is not None
    assert (none.simulated.hits, none.simulated.total) == (0, 2)
    assert (half.regressed.hits, half.regressed.total) == (1, 1)
    assert half.simulated is not None
    assert (half.simulated.hits, half.simulated.total) == (2, 2)
    assert half.measured_loss == pytest.approx(0.5)


def test_the_measured_loss_is_simulated() -> None:
    """If 2 % are intended and half is lost, the simulated loss is half."""
    intended = [
        one.model_copy(update={"loss": 0.02}) if one.loss else one for one in campaign()
    ]
    rows = live_rows([intended], Plan(planned=2, tolerance=0.15))
    simulated = rows[-1].simulated
    assert simulated is not None
    assert (simulated.hits, simulated.total) == (2, 2)


def test_runs_with_an_alarm_are_counted() -> None:
    """One of the two valid runs without a loss has an alarm."""
    alarms = runs_with_alarm([campaign()])
    assert alarms is not None
    assert (alarms.hits, alarms.total) == (1, 2)
    assert runs_with_alarm([[]]) is None


def test_outcomes_survive_the_file(tmp_path: Path) -> None:
    """Each file is a campaign, and each line a verdict."""
    written = campaign()
    lines = "".join(one.model_dump_json() + "\n" for one in written)
    (tmp_path / "2026.jsonl").write_text(lines, encoding="utf-8")
    assert read_live(tmp_path) == [written]


def test_the_page_shows_live_runs() -> None:
    """Every loss has its row, with its verdicts and the measured loss."""
    campaigns = [campaign()]
    rows = live_rows(campaigns, Plan(planned=2, tolerance=0.15))
    live = Live(rows=rows, alarms=runs_with_alarm(campaigns))
    runs = [steady_run(5.0, 1), steady_run(5.0, 2)]
    curve = operating_curve(runs, Plan(), number=2, seed=1)
    page = markdown(
        Page(
            curve=curve,
            recordings=[],
            plan=Plan(),
            number=2,
            computed_on="2026-01-02",
            live=live,
        )
    )
    assert "## Live runs" in page
    assert "| measured loss" in page
    assert "| 50%             | all " in page


def _of(at: str, run: int, loss: float, entry: object) -> list[Outcome]:
    machine = {"machine": {"CPU": "Xeon"}, "machine_class": "x86_64-2cpu"}
    summary = json.loads(json.dumps({"scenarios": [entry], **machine}))
    return list(outcomes_of(summary, at, run, loss))
