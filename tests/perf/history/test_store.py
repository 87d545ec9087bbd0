"""The files of the history only grow, hold no result twice, and are never misread."""

from __future__ import annotations

import errno
import resource
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from perf.history.store import History, counted
from serving.errors import ConfigError
from tests.support.histories import entry, nights


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_lines_are_appended(tmp_path: Path) -> None:
    """What is there stays as it is, byte by byte."""
    history = History(tmp_path / "history")
    assert history.add(nights(3)) == 3
    (path,) = history.folder.iterdir()
    before = path.read_bytes()
    assert history.add([entry(3), entry(4)]) == 2
    assert path.read_bytes().startswith(before)
    assert path.read_text("utf-8").count("\n") == 5


def test_a_result_is_added_once(tmp_path: Path) -> None:
    """A report that is added again changes nothing."""
    history = History(tmp_path)
    assert history.add([entry(1), entry(2)]) == 2
    assert history.add([entry(2), entry(3)]) == 1
    assert [one.at for one in history.read()] == [entry(n).at for n in (1, 2, 3)]


def test_each_machine_class_has_a_file(tmp_path: Path) -> None:
    """Its name is that of the class, without what no file name should have."""
    history = History(tmp_path)
    history.add([entry(1), entry(1, machine_class="../other class/x")])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["..-other-class-x.jsonl", "x86_64-2cpu-avx512+vnni-16to32GiB.jsonl"]
    assert len(history.read()) == 2


def test_results_come_in_the_order_of_time(tmp_path: Path) -> None:
    """Whatever the order in which they were added, also by another time zone."""
    wanted = nights(12)
    shuffled = wanted[7:] + wanted[:7][::-1]
    late = entry(12, at="2026-01-13T01:00:00-05:00")
    history = History(tmp_path)
    history.add([late, *shuffled])
    assert history.read() == [*wanted, late]


def test_a_line_that_a_merge_doubled_counts_once(tmp_path: Path) -> None:
    """Two branches may add the same result."""
    history = History(tmp_path)
    history.add(nights(2))
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text("utf-8") * 2, encoding="utf-8")
    assert len(history.read()) == 2


def test_a_missing_folder_is_an_empty_history(tmp_path: Path) -> None:
    """Reading makes no folder."""
    history = History(tmp_path / "none")
    assert history.read() == []
    assert not history.folder.exists()


@pytest.mark.parametrize("line", ["{}", "no JSON", '{"format":1,"at":"yesterday"}'])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    """The message has the file, the number of the line, and what to do."""
    history = History(tmp_path)
    history.add([entry(1)])
    (path,) = tmp_path.iterdir()
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    with pytest.raises(ConfigError, match=r"\.jsonl, line 2: damaged .*restore it"):
        history.read()


@pytest.mark.parametrize("line", ['{"format":2}', entry(1, format=2).line()])
def test_a_later_format_is_refused(tmp_path: Path, line: str) -> None:
    """An older suite does not guess what a newer one wrote, nor calls it damaged."""
    (tmp_path / "x.jsonl").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="format 2, but this suite reads format 1"):
        History(tmp_path).read()


def test_a_file_is_no_history(tmp_path: Path) -> None:
    """Who names a file of the history, and not its folder, is told so."""
    history = History(tmp_path)
    history.add([entry(1)])
    (path,) = tmp_path.iterdir()
    with pytest.raises(ConfigError, match=r"\.jsonl: not a folder that can be read"):
        History(path).read()


def test_a_last_line_without_an_end_is_ended(tmp_path: Path) -> None:
    """An editor may leave none; the next result is a line of its own all the same."""
    history = History(tmp_path)
    history.add([entry(1)])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert history.add([entry(2)]) == 1
    assert path.read_text("utf-8") == f"{entry(1).line()}\n{entry(2).line()}\n"


def test_a_full_disk_leaves_no_part_of_a_line(tmp_path: Path) -> None:
    """What was there stays as it was, and the results can be added later."""
    history = History(tmp_path)
    history.add([entry(1)])
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    with (
        files_of_at_most(int(1.5 * len(before))),
        pytest.raises(ConfigError, match=r"cannot be written \(File too large\)"),
    ):
        history.add([entry(2), entry(3)])
    assert path.read_bytes() == before
    assert history.add([entry(2), entry(3)]) == 2


def test_writers_at_the_same_time_tear_no_line(tmp_path: Path) -> None:
    """Each waits for the other, and who reads waits too, so all lines are whole."""

    def add(scenario: str) -> int:
        return sum(
            History(tmp_path).add([entry(night, scenario=scenario)]) for night in range(5)
        )

    names = [f"row-{number}" * 40 for number in range(8)]
    with ThreadPoolExecutor(len(names)) as pool:
        assert list(pool.map(add, names)) == [5] * len(names)
    assert len(History(tmp_path).read()) == 5 * len(names)


def test_a_check_makes_the_folder_and_changes_nothing(tmp_path: Path) -> None:
    """It leaves no file behind, and the files of a history as they are."""
    history = History(tmp_path / "new" / "history")
    history.check()
    assert list(history.folder.iterdir()) == []
    history.add(nights(3))
    (path,) = history.folder.iterdir()
    before = path.read_bytes()
    history.check()
    assert [one.read_bytes() for one in history.folder.iterdir()] == [before]


def test_a_check_finds_what_would_fail_later(tmp_path: Path) -> None:
    """A damaged line, and a file that nothing can be added to."""
    (tmp_path / "x.jsonl").write_text("no JSON\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 1: damaged"):
        History(tmp_path).check()
    (tmp_path / "x.jsonl").unlink()
    (tmp_path / "y.jsonl").symlink_to(tmp_path / "none" / "y.jsonl")
    with pytest.raises(ConfigError, match="cannot be"):
        History(tmp_path).check()


def test_a_check_finds_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the folder and the reason."""

    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(ConfigError, match=r"cannot be written \(Permission denied\)"):
        History(tmp_path).check()


@pytest.mark.parametrize(("number", "said"), [(0, "0 results"), (1, "1 result")])
def test_results_are_counted_in_words(number: int, said: str) -> None:
    """One result is one."""
    assert counted(number) == said


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in its place is a ConfigError, not a traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"history .*: not a folder that can be read"):
        History(tmp_path / "file" / "history").add([entry(1)])
