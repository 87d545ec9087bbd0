"""A command that runs another one waits for it, also when it is interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from serving.running import run_to_end

ROOT = Path(__file__).parents[2]

# The inner program needs a second to end after a signal, as a run that stops servers does.
_INNER = """
import signal, sys, time
from pathlib import Path

def ended(*_):
    time.sleep(1.0)
    Path(sys.argv[1]).write_text("stopped")
    sys.exit(2)

signal.signal(signal.SIGINT, ended)
signal.signal(signal.SIGTERM, ended)
signal.signal(signal.SIGHUP, ended)
print("ready", flush=True)
time.sleep(60)
"""
_OUTER = """
import sys
from pathlib import Path
from serving.running import run_to_end

run_to_end([sys.executable, "-c", sys.argv[1], sys.argv[2]], Path.cwd())
"""


def test_the_exit_code_is_the_commands(tmp_path: Path) -> None:
    """It runs in the folder that is named."""
    code = "import os, sys; sys.exit(3 if os.getcwd() == sys.argv[1] else 4)"
    assert run_to_end([sys.executable, "-c", code, str(tmp_path)], tmp_path) == 3


def test_its_output_goes_where_it_is_sent(tmp_path: Path) -> None:
    """Both what it prints and its errors."""
    code = "import sys; print('said', flush=True); print('wrong', file=sys.stderr)"
    with (tmp_path / "output").open("w+", encoding="utf-8") as output:
        assert run_to_end([sys.executable, "-c", code], tmp_path, output) == 0
        output.seek(0)
        assert output.read() == "said\nwrong\n"


@contextmanager
def running(mark: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the outer program, which has started the inner one when this returns."""
    outer = subprocess.Popen(
        [sys.executable, "-c", _OUTER, _INNER, str(mark)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert outer.stdout is not None
        assert outer.stdout.readline() == "ready\n"
        yield outer
    finally:
        outer.kill()
        outer.communicate()


@pytest.mark.parametrize("signals", [1, 2])
def test_an_interrupt_waits_until_the_command_has_ended(
    signals: int, tmp_path: Path
) -> None:
    """Ctrl-C reaches both processes; the outer one ends last, and says so in its code."""
    mark = tmp_path / "mark"
    with running(mark) as outer:
        (inner,) = psutil.Process(outer.pid).children()
        for _ in range(signals):
            outer.send_signal(signal.SIGINT)
        inner.send_signal(signal.SIGINT)
        assert outer.wait(30) == 130
        assert mark.read_text("utf-8") == "stopped"


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_is_passed_on(number: str, code: int, tmp_path: Path) -> None:
    """It reaches the outer process alone, as `kill` sends it. The inner one ends first."""
    mark = tmp_path / "mark"
    with running(mark) as outer:
        outer.send_signal(signal.Signals[number])
        assert outer.wait(30) == code
        assert mark.read_text("utf-8") == "stopped"


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    """Under `nohup` a command outlives its terminal, and so does what it runs."""
    code = "import signal, sys; sys.exit(signal.getsignal(1) != signal.SIG_IGN)"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run_to_end([sys.executable, "-c", code], tmp_path) == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
