"""Jobs that do what their image's name says; the tests of the pools run them.

A name is DEED or DEED:WORD. The answer has one class: the job's own process id.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from serving.work.classification import Top

_LOOK_EVERY_S = 0.005


def run(image: str, target: object) -> Top:
    """Do the deed and answer; any other name is only answered."""
    deed, _, word = image.partition(":")
    if deed in _DEEDS:
        _DEEDS[deed](word, target)
    return ((os.getpid(), 1.0),)


def load(target: object) -> Callable[[str], Top]:
    """Return `run` for a job that stays; a target that is an exception is raised."""
    if isinstance(target, Exception):
        raise target
    return lambda image: run(image, target)


def _raise(word: str, _target: object) -> None:
    raise ValueError(word)


def _exit(word: str, _target: object) -> None:
    os._exit(int(word))


def _leave(word: str, _target: object) -> None:
    sys.exit(int(word))


def _kill(word: str, _target: object) -> None:
    os.kill(os.getpid(), int(word))


def _hang(_word: str, _target: object) -> None:
    while True:
        signal.pause()


def _burn(word: str, _target: object) -> None:
    until_s = time.process_time() + float(word)
    while time.process_time() < until_s:
        pass


def _meet(word: str, target: object) -> None:
    """Wait until `word` jobs have left a file in the folder `target`."""
    (Path(str(target)) / str(os.getpid())).touch()
    _until(lambda: len(os.listdir(str(target))) >= int(word))  # noqa: PTH208 -- a count of names needs no Path


def _dawdle(word: str, _target: object) -> None:
    """Wait until the launcher is suspended, and `word` seconds longer."""
    launcher = psutil.Process(os.getppid())
    _until(lambda: launcher.status() == psutil.STATUS_STOPPED)
    until_s = time.monotonic() + float(word)
    _until(lambda: time.monotonic() > until_s)


def _hold_up(_word: str, _target: object) -> None:
    """Suspend the launcher until another of its jobs has ended."""
    launcher = psutil.Process(os.getppid())
    launcher.suspend()
    _until(lambda: psutil.STATUS_ZOMBIE in [j.status() for j in launcher.children()])
    launcher.resume()


def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(_LOOK_EVERY_S)


_DEEDS: dict[str, Callable[[str, object], None]] = {
    "raise": _raise,
    "exit": _exit,
    "leave": _leave,
    "kill": _kill,
    "hang": _hang,
    "burn": _burn,
    "meet": _meet,
    "dawdle": _dawdle,
    "hold up": _hold_up,
}
