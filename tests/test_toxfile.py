"""tox ends what it runs before it ends itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.fakes import wait_until

ROOT = Path(__file__).parents[1]
_LONGEST_S = 30.0  # without our handler, tox waits for twice as long
_ENVIRONMENTS = """
[testenv]
skip_install = true
suicide_timeout = 60

[testenv:perf]
commands = python program.py {toxinidir}
"""
# It needs a second to end after a signal, as a run that stops servers does.
_PROGRAM = """
import signal, sys, time
from pathlib import Path

def ended(number, _):
    time.sleep(1.0)
    Path(sys.argv[1], "ended").write_text(signal.Signals(number).name)
    sys.exit(2)

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, ended)
Path(sys.argv[1], "begun").touch()
time.sleep(60)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with our toxfile.py, whose environment `perf` runs the program."""
    (tmp_path / "perf").mkdir()
    shutil.copy(ROOT / "perf" / "scenarios.toml", tmp_path / "perf")
    shutil.copy(ROOT / "toxfile.py", tmp_path)
    (tmp_path / "tox.ini").write_text(_ENVIRONMENTS, "utf-8")
    (tmp_path / "program.py").write_text(_PROGRAM, "utf-8")
    return tmp_path


@pytest.fixture
def started(project: Path) -> Iterator[list[psutil.Process]]:
    """A tox that runs the environment of a scenario; then a second tox and the program."""
    tox = psutil.Popen(
        [sys.executable, "-m", "tox", "run", "-e", "serving-batch"],
        cwd=project,
        env={name: value for name, value in os.environ.items() if "TOX" not in name},
        start_new_session=True,
    )
    try:
        wait_until((project / "begun").exists, "the program has begun")
        yield [tox, *tox.children(recursive=True)]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(tox.pid, signal.SIGKILL)
        tox.wait()


@pytest.mark.parametrize(
    "text", ["[[scenario]", "[[scenario]]", "[scenario]\nname = 'x'", ""]
)
def test_a_damaged_table_is_told_in_one_line(project: Path, text: str) -> None:
    """Every command of tox reads the table, so each would end in a traceback."""
    (project / "perf" / "scenarios.toml").write_text(text, "utf-8")
    listed = subprocess.run(
        [sys.executable, "-m", "tox", "list"],
        cwd=project,
        env={name: value for name, value in os.environ.items() if "TOX" not in name},
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )
    said = listed.stdout + listed.stderr
    assert listed.returncode != 0
    assert "Traceback" not in said
    assert "scenarios.toml" in said


@pytest.mark.slow(reason="makes two environments with tox")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_tox_alone_ends_the_run(
    number: signal.Signals, project: Path, started: list[psutil.Process]
) -> None:
    """The program gets that signal, and has ended in order when tox ends."""
    tox, *others = started
    assert others
    tox.send_signal(number)
    assert tox.wait(_LONGEST_S) != 0
    assert (project / "ended").read_text("utf-8") == number.name
    assert not any(process.is_running() for process in others)
