"""The lock of the machine: one run at a time, and nothing of it stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perf.machine.lock import is_alive, only_run, session_name, who_measures
from serving.errors import ConfigError

ROOT = Path(__file__).parents[3]
_NOBODY = 65534

# Holds the lock until its input ends.
_HOLD = """
import sys
from perf.machine.lock import only_run

with only_run():
    print("held", flush=True)
    sys.stdin.read()
"""

# Another user of the machine takes the lock in the temporary folder that it is given.
_OTHER_USER = f"""
import os, sys, tempfile
from perf.machine.lock import only_run
from serving.errors import ConfigError

os.setuid({_NOBODY})
tempfile.tempdir = sys.argv[1]
try:
    with only_run():
        print("held")
except ConfigError as error:
    print(error)
"""


@contextmanager
def holder() -> Iterator[subprocess.Popen[bytes]]:
    """Let another process hold the lock; it is killed at the end."""
    command = [sys.executable, "-c", _HOLD]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == b"held\n"
        try:
            yield one
        finally:
            one.kill()


def test_a_second_run_is_refused_and_told_who_measures() -> None:
    """The message names the process that holds the lock, while it does and no longer."""
    assert who_measures() == ""
    with holder() as other:
        assert who_measures() == f"process {other.pid}"
        with pytest.raises(
            ConfigError, match=f"run of the suite \\(process {other.pid}\\) "
        ):
            only_run().__enter__()
        other.communicate()
        with only_run():
            assert who_measures() == f"process {os.getpid()}"
    assert who_measures() == ""


def test_a_killed_run_holds_it_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After SIGKILL the lock is free, and no file is left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with holder() as other:
        other.kill()
        other.wait()
        with only_run():
            assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def test_many_questions_do_not_block() -> None:
    """More questions than the socket's queue holds are still answered at once."""
    with only_run():
        answers = {who_measures() for _ in range(300)}
    assert answers <= {f"process {os.getpid()}", "another process"}
    assert who_measures() == ""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_not_locked_out(tmp_path: Path) -> None:
    """A user without any right to the files of the last run can measure.

    A file of that name, such as older versions of the suite left, does not matter.
    """
    (tmp_path / "serving-perf.lock").touch(mode=0o600)
    command = [sys.executable, "-c", _OTHER_USER, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "held\n", done.stdout + done.stderr


def test_a_label_tells_whether_its_process_lives() -> None:
    """Not so if that process is counted in another namespace: it may live."""
    own = session_name()
    assert is_alive(own)
    space, _, rest = own.partition(".")
    pid, _, started = rest.partition("-")
    assert not is_alive(f"{space}.{pid}-1{started}")
    assert not is_alive(f"{space}.{2**22 + 1}-{started}")
    assert is_alive(f"{int(space) + 1}.{2**22 + 1}-{started}")
    assert not is_alive("no label")
