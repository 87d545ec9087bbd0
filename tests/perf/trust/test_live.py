"""Live runs: the copy with a slower handler, and the counts of the verdicts."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from perf.stats import Verdict
from perf.trust.__main__ import main
from perf.trust.live import _HANDLER, ROUND, SERVED, _measure, slower_copy
from perf.trust.outcomes import Compared, Outcome, live_rows, outcomes_of, read_live
from tests.support.fakes import pairs_of

HANDLER = """
import time


class ImageFileClassifier:
    def inference(self, data):
        end_s = time.thread_time() + 0.02
        while time.thread_time() < end_s:
            pass
        time.sleep(0.05)
        return data
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder with a handler whose batches compute for 20 ms and wait for 50."""
    handler = tmp_path / "tree" / _HANDLER
    handler.parent.mkdir(parents=True)
    handler.write_text(HANDLER, encoding="utf-8")
    return tmp_path / "tree"


def batch_s(tree: Path) -> float:
    """Return the CPU time of a batch in the handler of a tree, in seconds."""
    names: dict[str, Any] = {}
    exec((tree / _HANDLER).read_text("utf-8"), names)  # noqa: S102 -- the file that we wrote
    handler = names["ImageFileClassifier"]()
    begun_s = time.thread_time()
    assert handler.inference("data") == "data"
    return time.thread_time() - begun_s


def test_the_copy_loses_what_it_should(tree: Path, tmp_path: Path) -> None:
    """With a loss of one half a batch computes twice as long, and the answer stays.

    A wait does not count: a tree that is stopped for the other's turn waits too.
    """
    slower = batch_s(slower_copy(tree, tmp_path / "copy", 0.5))
    assert 0.04 <= slower < 0.06
    assert (tree / _HANDLER).read_text("utf-8") == HANDLER


def test_without_a_loss_the_copy_is_unchanged(tree: Path, tmp_path: Path) -> None:
    """Nothing is added, also where an earlier copy was slower."""
    slower_copy(tree, tmp_path / "copy", 0.5)
    copy = slower_copy(tree, tmp_path / "copy", 0.0)
    assert (copy / _HANDLER).read_text("utf-8") == HANDLER


def test_a_round_has_unchanged_runs() -> None:
    """Two of its runs have no loss."""
    assert ROUND.count(0.0) == 2


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--perf-pairs", "4"], [",".join(SERVED)]),
        (["--perf-scenario", "serving-single"], ["serving-single"]),
        (["--perf-family=servers"], []),
    ],
)
def test_rows_that_are_asked_for_replace_the_usual_ones(
    options: list[str], rows: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options come last, and no other row is measured."""
    reports, seen = tmp_path / "reports", list[str]()

    def run(command: Sequence[str], *_: object) -> int:
        seen.extend(command)
        reports.mkdir()
        (reports / "summary.json").write_text("{}", encoding="utf-8")
        return 0

    monkeypatch.setattr("perf.trust.live.run_to_end", run)
    assert _measure(tmp_path, reports, options) == {}
    assert seen[-len(options) :] == options
    named = pairwise(seen)
    assert [value for word, value in named if word == "--perf-scenario"] == rows


@pytest.mark.parametrize("losses", ["", "much", "0,1", "-0.1"])
def test_losses_that_are_no_shares_are_refused(
    losses: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is measured, in a line that names the option."""
    with pytest.raises(SystemExit) as ended:
        main([f"--losses={losses}", "--live=1"])
    assert ended.value.code == 2
    assert "argument --losses: invalid" in capsys.readouterr().err


def row(verdict: str, **more: object) -> dict[str, object]:
    """Return what a summary.json says of serving-batch."""
    pairs, change = pairs_of(1.0, 1.0), {"estimate": 1.0}
    usual = {"name": "serving-batch", "reason": "", "change": change, "pairs": pairs}
    return {**usual, "verdict": verdict, **more}


def summary_of(*rows: object) -> dict[str, object]:
    """Return a summary.json of a run that measured these rows."""
    return {
        "machine": {"CPU": "x"},
        "machine_class": "a class",
        "model": "resnet18 (seeded weights)",
        "started": "2026-01-02T03:04:05+00:00",
        "scenarios": rows,
    }


def outcome(
    loss: float,
    verdict: Verdict,
    change: float | None,
    *,
    cpu: str = "x",
    turn_s: float | None = None,
) -> Outcome:
    """Return an outcome of serving-batch."""
    found_change = None if change is None else {"estimate": change}
    one = row(verdict.value, change=found_change, turn_s=turn_s, against="HEAD")
    summary = summary_of(one) | {"machine": {"CPU": cpu}}
    (found,) = outcomes_of(summary, "2026-01-02T03:04", 0, loss)
    return found


def test_verdicts_are_counted_by_loss() -> None:
    """A row counts all verdicts, and the share regressed of those that are not invalid."""
    outcomes = [
        outcome(0.0, Verdict.UNCHANGED, 1.002),
        outcome(0.05, Verdict.REGRESSED, 0.94),
        outcome(0.05, Verdict.INCONCLUSIVE, 0.96),
        outcome(0.05, Verdict.INVALID, None),
    ]
    rows = {(row.loss, row.scenario): row for row in live_rows(outcomes)}
    assert set(rows) == {(x, name) for x in (0.0, 0.05) for name in ("", "serving-batch")}
    row = rows[0.05, ""]
    assert (row.regressed.hits, row.regressed.total) == (1, 2)
    assert row.verdicts[Verdict.INVALID] == 1
    assert row.change == pytest.approx(-0.05)


def test_verdicts_are_counted_by_machine_and_turn() -> None:
    """Other CPUs, and blocks in turns, have rows of their own."""
    kinds = (("x, y (family 1)", None), ("x, y (family 1)", 0.5), ("z", 0.5))
    outcomes = [
        outcome(0.0, Verdict.UNCHANGED, 1.0, cpu=cpu, turn_s=turn_s)
        for cpu, turn_s in kinds
    ]
    rows = [row for row in live_rows(outcomes) if not row.scenario]
    assert [(row.cpu, row.turn_s or None) for row in rows] == list(kinds)
    assert all(row.verdicts == {Verdict.UNCHANGED: 1} for row in rows)


def test_capacities_have_rows_of_their_own() -> None:
    """The verdicts on a throughput and on a capacity are not counted together."""
    usual = outcome(0.0, Verdict.UNCHANGED, 1.0)
    pair = usual.pairs[0]
    block = pair.scenario.model_copy(update={"figure": "capacity"})
    pairs = (pair.model_copy(update={"scenario": block}),)
    outcomes = [usual, *2 * [usual.model_copy(update={"pairs": pairs})]]
    rows = [row for row in live_rows(outcomes) if not row.scenario]
    assert [(row.figure, row.verdicts[Verdict.UNCHANGED]) for row in rows] == [
        ("capacity", 2),
        ("throughput", 1),
    ]


def test_a_settled_verdict_is_counted_by_what_settled_it() -> None:
    """Its pairs are those side by side; a row without a baseline is not counted."""
    beside = pairs_of(2.0, 2.0, 2.0)
    summary = summary_of(
        row("unchanged", against="HEAD"),
        row("unchanged"),
        row("unchanged", against="its commit", before={}, against_pairs=beside),
        row("no baseline", change=None),
    )
    found = outcomes_of(summary, "2026-01-02T03:04", 0, 0.0)
    assert [one.compared for one in found] == [
        Compared.SIDE_BY_SIDE,
        Compared.BASELINE,
        Compared.SETTLED,
    ]
    assert [len(one.pairs) for one in found] == [2, 2, 3]
    assert [row.compared for row in live_rows(found) if not row.scenario] == sorted(
        one.compared for one in found
    )


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder for live runs, beside a page that has one part on them."""
    folder = tmp_path / "live"
    page = tmp_path / "CURVE.md"
    page.write_text("# Page\n\n## Live runs\n\nold\n\n## Recordings\n\nthese\n", "utf-8")
    monkeypatch.setattr("perf.trust.live.FOLDER", folder)
    monkeypatch.setattr("perf.trust.__main__.read_live", lambda: read_live(folder))
    monkeypatch.setattr("perf.trust.__main__._CURVE", page)
    return folder


def test_a_run_is_counted_once(live: Path, tmp_path: Path) -> None:
    """Its verdicts get into the page, which keeps its other parts; twice is as once."""
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(summary_of(row("unchanged"))), "utf-8")
    for _ in range(2):
        assert main(["--add-run", str(path)]) == 0
        (only,) = read_live(live)
        assert (only.at, only.loss) == ("2026-01-02T03:04", 0.0)
        page = (tmp_path / "CURVE.md").read_text("utf-8")
        assert re.findall(r"^## .*", page, re.MULTILINE) == [
            "## Live runs",
            "## Recordings",
        ]
        assert "old" not in page
        assert "| a baseline " in page
        assert page.endswith("## Recordings\n\nthese\n")


@pytest.mark.parametrize("text", ["no", "{}", "[]", json.dumps(summary_of())])
def test_a_file_without_verdicts_is_refused(
    text: str, live: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line that names the option, and nothing is counted."""
    path = tmp_path / "summary.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main(["--add-run", str(path)])
    assert "error: --add-run" in capsys.readouterr().err.splitlines()[-1]
    assert not live.exists()


def test_a_run_is_not_added_beside_live_runs(
    live: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both at once are refused in one line, and nothing is measured or counted."""
    with pytest.raises(SystemExit, match="2"):
        main(["--live=1", "--add-run", str(tmp_path / "summary.json")])
    assert "--add-run: not together with --live" in capsys.readouterr().err
    assert not live.exists()


def test_outcomes_survive_the_file(tmp_path: Path) -> None:
    """What is written as a line is read back."""
    made = [
        outcome(0.0, Verdict.UNCHANGED, 1.0, turn_s=0.5),
        outcome(0.1, Verdict.REGRESSED, 0.9),
    ]
    lines = "".join(f"{one.model_dump_json()}\n" for one in made)
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    assert read_live(tmp_path) == made
