"""The journal of a sweep: it keeps what was measured, and refuses another sweep's."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from perf.experiment.sweep.journal import Journal, Launch, entry_of
from perf.stats import Block
from serving.errors import ConfigError

IDENTITY = {"sweep": {"base": "serving-batch"}, "profile": "smoke"}
BLOCKS = [Block(rps=10.0, pace=1.5, p99_ms=99.0), Block(rps=11.0)]


def test_an_interrupted_sweep_goes_on(tmp_path: Path) -> None:
    """What was measured is found again, a line that was cut off is not."""
    path = tmp_path / "sweep.jsonl"
    journal = Journal(path, IDENTITY)
    journal.add(entry_of("race", "workers 2", 0, Launch(BLOCKS, 1)))
    journal.add(entry_of("race", "workers 9", 0, "no memory"))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"stage": "race", "point": "workers 2", "rou')
    again = Journal(path, IDENTITY)
    assert again.launches == 2
    found = again.find("race", "workers 2", 0)
    assert found is not None
    assert [one.block() for one in found.blocks] == BLOCKS
    assert found.disturbed == 1
    failed = again.find("race", "workers 9", 0)
    assert failed is not None
    assert failed.failed == "no memory"
    assert again.find("final", "workers 2", 0) is None
    assert again.find("race", "workers 2", 1) is None
    again.add(entry_of("race", "workers 2", 1, Launch(BLOCKS, 1)))
    assert Journal(path, IDENTITY).launches == 3


def test_another_table_is_refused(tmp_path: Path) -> None:
    """In one line that names the option and the file; the file stays."""
    path = tmp_path / "sweep.jsonl"
    Journal(path, IDENTITY).add(entry_of("race", "workers 2", 0, Launch(BLOCKS, 1)))
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"^--perf-sweep: .*sweep.jsonl") as caught:
        Journal(path, {**IDENTITY, "profile": "standard"})
    assert "was begun with other settings: profile smoke -> standard;" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sweep": {"base": "other"}}, "sweep.base serving-batch -> other;"),
        ({"commit": "0123"}, "commit none -> 0123;"),
        (
            {"a": 1, "b": [2], "c": None, "d": 4, "e": 5},
            "a none -> 1, b none -> [2], c none -> null, 2 more;",
        ),
    ],
)
def test_what_differs_is_named(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    """At most three values, each with that of the journal and that of this run."""
    path = tmp_path / "sweep.jsonl"
    Journal(path, IDENTITY)
    with pytest.raises(ConfigError) as caught:
        Journal(path, {**IDENTITY, **changes})
    assert f"was begun with other settings: {said}" in str(caught.value)


@pytest.mark.parametrize("text", ["notes\n", "[1]\n", '{"of": 1}\n', "\n"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    """It stays as it is."""
    path = tmp_path / "sweep.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="is no journal of a sweep; remove it"):
        Journal(path, IDENTITY)
    assert path.read_text("utf-8") == text


def test_an_empty_journal_is_begun_anew(tmp_path: Path) -> None:
    """A run that ended before its first line left it behind."""
    path = tmp_path / "sweep.jsonl"
    path.touch()
    Journal(path, IDENTITY).add(entry_of("race", "workers 2", 0, Launch(BLOCKS)))
    assert Journal(path, IDENTITY).launches == 1


def test_a_launch_that_is_not_kept_counts_for_this_run(tmp_path: Path) -> None:
    """It is found again, but not by the next run."""
    path = tmp_path / "sweep.jsonl"
    journal = Journal(path, IDENTITY)
    journal.add(entry_of("race", "workers 2", 0, "too fast"), keep=False)
    assert journal.find("race", "workers 2", 0) is not None
    assert Journal(path, IDENTITY).launches == 0


def test_a_place_that_cannot_be_used_is_told_in_one_line(tmp_path: Path) -> None:
    """A folder of that name, and a file that is no text."""
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe")
    for name in ("folder.jsonl", "binary.jsonl"):
        with pytest.raises(ConfigError, match=f"^--perf-reports: .*{name}") as caught:
            Journal(tmp_path / name, IDENTITY)
        assert len(str(caught.value).splitlines()) == 1


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    """The message names the option, the file, and that the sweep can go on."""
    path = tmp_path / "sweep.jsonl"
    journal = Journal(path, IDENTITY)
    path.unlink()
    path.symlink_to("/dev/full")
    with pytest.raises(ConfigError, match=r"^--perf-reports: .*sweep.jsonl") as caught:
        journal.add(entry_of("race", "workers 2", 0, Launch(BLOCKS, 1)))
    assert "No space left on device" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_cut_off_line_on_a_full_disk_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the disk was full before: the same command again says so again."""
    path = tmp_path / "sweep.jsonl"
    Journal(path, IDENTITY)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"stage": "ra')
    opened = Path.open

    def full(path: Path, mode: str = "r", **more: Any) -> Any:  # noqa: ANN401 -- as Path.open
        if mode == "a":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opened(path, mode, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ConfigError, match=r"^--perf-reports: .*No space left"):
        Journal(path, IDENTITY)
