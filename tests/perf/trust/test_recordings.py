"""Recordings: made of results, written and read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perf.judge.stored import StoredPair
from perf.stats import Block, Pair
from perf.trust.__main__ import main
from perf.trust.recordings import Kind, Recording, read_recordings, recording_of, runs_of
from tests.support.fakes import entry, pairs_of, write_baseline


def result_file(folder: Path) -> Path:
    """Write a result as pytest-benchmark saves it, with two launches of two pairs."""
    result = write_baseline(
        folder, "0001_x.json", entry(pairs=pairs_of(3.0, 3.1, 3.2, 3.3, launches=2))
    )
    raw = json.loads(result.read_text("utf-8"))
    raw["benchmarks"][0]["extra_info"]["serving_perf"]["about"] = {"CPU": "x"}
    result.write_text(json.dumps(raw), encoding="utf-8")
    return result


def summary_file(folder: Path, against: str | None) -> Path:
    """Write a summary of a run, side by side with `against` if it is given."""
    row = {
        "name": "serving-batch",
        "against": against,
        "turn_s": None if against is None else 0.5,
        "pairs": pairs_of(1.0, 1.01, launches=2),
    }
    whole = {
        "machine_class": "a class",
        "machine": {"CPU": "x"},
        "runtime": "process",
        "model": "resnet152 (seeded weights)",
        "scenarios": [row],
    }
    path = folder / "summary.json"
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def test_a_recording_survives_the_file(tmp_path: Path) -> None:
    """A recording of a result is read back with all pairs and launches."""
    made = recording_of(result_file(tmp_path), quiet=True)
    folder = tmp_path / "recordings"
    made.write(folder / "a-machine" / "one.json")
    made.write(folder / "without-pace" / "old.json")
    assert read_recordings("process", folder) == {"a-machine": [made]}
    assert read_recordings("docker", folder) == {}
    (run,) = runs_of([made], Kind.REFERENCE)
    assert [len(launch) for launch in run["serving-batch"]] == [2, 2]
    first = run["serving-batch"][0][0]
    assert first == Pair(Block(6.0, pace=1.0), Block(2.0, pace=1.0), 0)


def of_figure(pair: StoredPair, figure: str) -> StoredPair:
    """Return the pair with another figure of the scenario's block."""
    return pair.model_copy(
        update={"scenario": pair.scenario.model_copy(update={"figure": figure})}
    )


def of_figures(*figures: str) -> Recording:
    """Return a recording with one row for each figure."""
    rows = {}
    for figure in figures:
        pairs = map(StoredPair.model_validate, pairs_of(1.0, 1.01, launches=2))
        rows[f"row-{figure}"] = tuple(of_figure(pair, figure) for pair in pairs)
    return Recording(
        kind=Kind.REFERENCE,
        recorded="2026-11-29T01:00:00",
        machine={"class": "x"},
        runtime="process",
        model="resnet152",
        quiet=True,
        scenarios=rows,
    )


def test_capacities_are_kept_apart_from_throughputs(tmp_path: Path) -> None:
    """The operating curve is computed from recorded throughputs alone."""
    throughput, capacity = of_figures("throughput"), of_figures("capacity")
    throughput.write(tmp_path / "a" / "one.json")
    capacity.write(tmp_path / "a" / "two.json")
    assert read_recordings("process", tmp_path) == {"a": [throughput]}
    assert read_recordings("process", tmp_path, figure="capacity") == {"a": [capacity]}
    with pytest.raises(ValueError, match="one figure"):
        _ = of_figures("throughput", "capacity").figure


def test_a_run_side_by_side_is_a_recording_too(tmp_path: Path) -> None:
    """Its summary is enough. That of another run is refused."""
    made = recording_of(summary_file(tmp_path, "HEAD"), quiet=False)
    assert (made.kind, made.model, made.quiet) == (Kind.SIDE_BY_SIDE, "resnet152", False)
    assert len(made.launches("serving-batch")) == 2
    assert made.turn_s == 0.5
    with pytest.raises(ValueError, match="side by side"):
        recording_of(summary_file(tmp_path, None), quiet=True)


@pytest.mark.parametrize("machine", ["", "Two Words", "../up"])
def test_a_recording_needs_the_name_of_its_machine(
    machine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name becomes a folder, so only simple names are taken."""
    with pytest.raises(SystemExit, match="2"):
        main(["--add", str(result_file(tmp_path)), "--machine", machine])
    assert "--machine" in capsys.readouterr().err.splitlines()[-1]


def test_a_file_that_is_no_result_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last line of the error names the option."""
    path = tmp_path / "no.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main(["--add", str(path), "--machine", "here"])
    assert "--add" in capsys.readouterr().err.splitlines()[-1]
