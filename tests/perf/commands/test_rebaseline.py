"""The command that records a candidate for a baseline, and keeps it on request."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

import pytest

from perf.commands.rebaseline import compared, main
from perf.judge.baselines import BaselineStore
from perf.judge.stored import StoredPair
from tests.perf.judge.storage import WITHOUT_PACE
from tests.support.fakes import RECORDED, entry, pairs_of, write_baseline


def launches(times: float = 1.0, pace: float | None = 1.0) -> list[dict[str, object]]:
    """Return three launches of two pairs each; the scenario is `times` as fast as usual."""
    ratios = (3.0, 3.02, 2.98, 3.01, 3.0, 2.99)
    return pairs_of(*(ratio * times for ratio in ratios), launches=3, pace=pace)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with one baseline."""
    folder = tmp_path / "baselines"
    write_baseline(folder, "0003_old.json", entry(pairs=launches()))
    return folder


@pytest.fixture
def candidates(tmp_path: Path) -> Path:
    """A folder with a candidate that is 10 % slower."""
    folder = tmp_path / "candidates"
    write_baseline(folder, "0001_candidate.json", entry(pairs=launches(0.9)))
    return folder


def test_old_and_new_are_compared(old: Path, candidates: Path) -> None:
    """The table has both ratios and the change, each with its interval."""
    row = compared(old, candidates).splitlines()[-1]
    assert row.startswith("serving-batch")
    assert "3.00 [" in row
    assert "2.70 [" in row
    assert "-10.0 % [-" in row


def test_new_without_old_has_a_reason(tmp_path: Path, candidates: Path) -> None:
    """Where no baseline applies, the row has the new ratio and the reason."""
    row = compared(tmp_path / "none", candidates).splitlines()[-1]
    assert "2.70 [" in row
    assert "no baseline for serving-batch" in row


def test_write_keeps_the_candidate(
    old: Path, candidates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The candidate becomes the file with the next number, and the old file stays."""
    assert main(["--write", "faster"], old, candidates) == 0
    names = sorted(path.name for path in old.glob("*/*.json"))
    assert names == ["0003_old.json", "0004_faster.json"]
    assert "written: " in capsys.readouterr().out
    assert not list(candidates.glob("*/*.json"))


@pytest.mark.parametrize("how", ["--write", "--pool"])
@pytest.mark.parametrize("name", [[], ["a", "b"], ["../up"], [".hidden"], ["a b"]])
def test_an_impossible_name_is_refused(
    old: Path,
    candidates: Path,
    how: str,
    name: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Anything but one plain file name is an error, and nothing is moved."""
    assert main([how, *name], old, candidates) == 4
    assert capsys.readouterr().err.startswith(f"ERROR: {how} takes one name")
    assert len(list(old.glob("*/*.json"))) == 1


@pytest.mark.parametrize("how", ["--write", "--pool"])
def test_nothing_is_written_without_a_candidate(
    old: Path, tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a candidate, --write and --pool are errors."""
    assert main([how, "x"], old, tmp_path / "none") == 4
    assert "there is no candidate" in capsys.readouterr().err


def test_pool_adds_a_run_to_those_of_the_baseline(old: Path, tmp_path: Path) -> None:
    """Runs keep their pairs and dates, oldest first; launches are numbered through."""
    folder = tmp_path / "more"
    write_baseline(folder, "0001_candidate.json", entry(pairs=launches(1.01)))
    assert main(["--pool", "two"], old, folder) == 0
    write_baseline(folder, "0001_candidate.json", entry(pairs=launches(0.99)))
    assert main(["--pool", "three"], old, folder) == 0
    newest = BaselineStore(old).all()[0]
    assert newest.path.name == "0005_three.json"
    assert [run.recorded for run in newest.runs] == [RECORDED] * 3
    assert [len(sample) for sample in newest.samples] == [6, 6, 6]
    assert [[asdict(p.scenario) for p in sample.pairs] for sample in newest.samples] == [
        [asdict(StoredPair.model_validate(p).pair().scenario) for p in launches(times)]
        for times in (1.0, 1.01, 0.99)
    ]
    assert newest.sample.launches.tolist() == [n // 2 for n in range(18)]
    assert len(list(old.glob("*/*.json"))) == 3
    assert not list(folder.glob("*/*.json"))


def test_pool_refuses_a_changed_throughput(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A candidate that is certainly slower is no run of the same code, and stays."""
    folder = tmp_path / "slower"
    write_baseline(folder, "0001_candidate.json", entry(pairs=launches(0.6)))
    assert main(["--pool", "x"], old, folder) == 4
    expected = "ERROR: --pool: the throughput of serving-batch has changed by -40.0%"
    assert expected in capsys.readouterr().err
    assert len(list(old.glob("*/*.json"))) == 1
    assert len(list(folder.glob("*/*.json"))) == 1


def test_pool_refuses_another_cpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs of two CPUs are no runs of one machine; the table says so, and both stay."""
    there, folder = tmp_path / "there", tmp_path / "here"
    for where, cpu in ((there, "Zen 5"), (folder, "Zen 4")):
        stored = entry(pairs=launches(1.0), about={"CPU": cpu})
        write_baseline(where, "0001_a.json", stored)
    assert main(["--pool", "x"], there, folder) == 4
    told = capsys.readouterr()
    assert "0001_a.json is of another CPU, Zen 5" in told.out
    assert "was recorded on another CPU, Zen 5; --write keeps" in told.err
    assert len(list(folder.glob("*/*.json"))) == 1


def test_pool_refuses_a_candidate_without_pace(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be compared is not pooled: the table has a dash, the candidate stays."""
    folder = tmp_path / "unpaced"
    write_baseline(folder, "0001_candidate.json", entry(pairs=launches(pace=None)))
    assert main(["--pool", "x"], old, folder) == 4
    told = capsys.readouterr()
    assert told.out.split()[-1] == "-"
    assert "--pool: serving-batch: throughput or its pace was not measured" in told.err
    assert len(list(folder.glob("*/*.json"))) == 1


@pytest.mark.parametrize("how", ["--write", "--pool"])
def test_an_old_baseline_without_pace_is_replaced_but_not_pooled(
    candidates: Path, tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """--write keeps the candidate beside it; --pool says that it must be recorded again."""
    folder = tmp_path / "older"
    write_baseline(folder, "0003_old.json", WITHOUT_PACE)
    assert main([how, "new"], folder, candidates) == (0 if how == "--write" else 4)
    told = capsys.readouterr()
    assert "0003_old.json is of an older suite and has no pace" in told.out
    if how == "--pool":
        assert "--pool: 0003_old.json is of an older suite and has no pace" in told.err


def test_pool_needs_a_baseline_that_applies(
    candidates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a baseline, --pool is an error and the candidate stays."""
    assert main(["--pool", "x"], tmp_path / "none", candidates) == 4
    assert "--pool: no baseline for serving-batch" in capsys.readouterr().err
    assert len(list(candidates.glob("*/*.json"))) == 1


@pytest.mark.parametrize(
    "arguments", [["--write=x"], ["--perf-runtime", "docker", "--pool", "x"]]
)
def test_a_misplaced_write_records_nothing(
    candidates: Path, old: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The candidate stays: to record another one would remove it."""
    assert main(arguments, old, candidates) == 4
    assert "--write NAME or --pool NAME first" in capsys.readouterr().err
    assert len(list(candidates.glob("*/*.json"))) == 1


def test_a_run_that_fails_leaves_the_last_candidate(
    old: Path, candidates: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The command returns the run's exit code, and says that the last candidate stays."""
    assert main(["--perf-profile", "none"], old, candidates) == 4
    told = capfd.readouterr().err
    assert "--perf-profile none: no such profile" in told
    assert "left no candidate; the last candidate stays" in told
    assert [path.name for path in candidates.glob("*/*")] == ["0001_candidate.json"]
    assert len(list(old.glob("*/*.json"))) == 1


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return what lets a run write a candidate, then end with an exit code.

    A code above 128 is that of a signal.
    """

    def let(code: int) -> None:
        def run(command: Sequence[str], _: Path) -> int:
            (storage,) = [word for word in command if "--benchmark-storage" in word]
            folder = Path(storage.partition("file://")[2])
            write_baseline(folder, "0001_fresh.json", entry(pairs=launches()))
            if code > 128:
                sys.exit(code)
            return code

        monkeypatch.setattr("perf.commands.rebaseline.run_to_end", run)

    return let


@pytest.mark.parametrize("code", [0, 1])
def test_a_whole_run_replaces_the_last_candidate(
    old: Path, candidates: Path, recording: Callable[[int], None], code: int
) -> None:
    """A regression is no reason against it; nothing else is left beside it."""
    recording(code)
    assert main([], old, candidates) == 0
    assert [path.name for path in candidates.glob("*/*")] == ["0001_fresh.json"]
    assert set(candidates.parent.iterdir()) == {old, candidates}


@pytest.mark.parametrize("code", [-9, 2, 143])
def test_a_run_that_is_interrupted_leaves_the_last_candidate(
    old: Path, candidates: Path, recording: Callable[[int], None], code: int
) -> None:
    """What it had recorded is removed: it may be a part only."""
    recording(code)
    try:
        ended: object = main([], old, candidates)
    except SystemExit as raised:
        ended = raised.code
    assert ended == code
    assert [path.name for path in candidates.glob("*/*")] == ["0001_candidate.json"]
    assert set(candidates.parent.iterdir()) == {old, candidates}


def test_a_baseline_is_written_whole_or_not_at_all(
    old: Path,
    candidates: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On a full disk one line names the file. No part of it stays; the candidate does."""

    def full(path: Path, text: str, **_: object) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), text[:1])

    monkeypatch.setattr(Path, "write_text", full)
    assert main(["--write", "x"], old, candidates) == 4
    assert "0004_x.json: cannot be written (No space left" in capsys.readouterr().err
    assert [path.name for path in old.glob("*/*")] == ["0003_old.json"]
    assert len(list(candidates.glob("*/*.json"))) == 1


def test_the_number_is_above_those_of_all_platforms(old: Path, candidates: Path) -> None:
    """Of all that apply the highest judges, and another Python has another folder."""
    (platform,) = old.iterdir()
    platform.rename(old / "Linux-CPython-3.99-64bit")
    assert main(["--write", "new"], old, candidates) == 0
    assert BaselineStore(old).all()[0].path.name == "0004_new.json"


@pytest.mark.parametrize(
    ("figure", "change"), [("goodput", "0.0 %"), ("throughput", "-9.")]
)
def test_what_is_judged_is_compared(tmp_path: Path, figure: str, change: str) -> None:
    """Goodput is not divided by the pace, which was higher the second time."""
    for name, pace in (("old", 1.0), ("new", 1.1)):
        pairs = launches(pace=pace)
        for pair in pairs:
            for arm in ("scenario", "reference"):
                pair[arm] = {**cast("dict[str, object]", pair[arm]), "figure": figure}
        write_baseline(tmp_path / name, "0001_one.json", entry(pairs=pairs))
    row = compared(tmp_path / "old", tmp_path / "new").splitlines()[-1]
    assert f" {change}" in row or f"+{change}" in row


def test_a_candidate_that_cannot_be_put_in_its_place_is_kept(
    old: Path,
    tmp_path: Path,
    recording: Callable[[int], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It took ten launches; one line says where it is."""
    recording(0)
    (tmp_path / "elsewhere" / "inside").mkdir(parents=True)
    link = tmp_path / "candidates"
    link.symlink_to(tmp_path / "elsewhere")
    assert main([], old, link) == 4
    said = capsys.readouterr().err
    assert "cannot be replaced" in said
    assert len(said.splitlines()) == 1
    assert len(list((tmp_path / "candidates-new").glob("*/*.json"))) == 1
