"""Say what is here, what is missing, how noisy the machine is, and what to type next.

    python -m perf.commands.doctor [--json] [--seconds N] [options of a run]

Nothing is changed, and nothing is measured but the machine. The exit code is 0 where a run
could start, 1 where not, 4 for a wrong option, and 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from perf.commands.doctor.examination import Request, examine
from perf.config.options import Options, argument
from perf.config.reading import read_settings
from perf.config.settings import Settings
from perf.judge.baselines import storage_folder
from perf.machine.lock import who_measures
from serving.errors import ConfigError

_ROOT = Path(__file__).parents[3]
_BASELINES = "baselines"
_STORAGE = "--benchmark-storage"
_SECONDS = 20.0
_WRONG_USE = 4  # pytest's own exit code for it
_INTERRUPTED = 128 + signal.SIGINT
_DEFAULTS = {
    "profile": "standard",
    "weights": "seeded",
    "runtime": "auto",
    "device": "cpu",
    "reports": "reports",
}
_REPEATED = ("scenario", "family")
# The options of a run that decide what is examined, and what each of them is.
_OPTIONS = {
    "profile": "how much a run would measure",
    "scenario": "only this row of perf/scenarios.toml; for several, repeat the option or "
    "separate the names by commas",
    "family": "the rows of this family, or of several in the same way; default main",
    "model": "the model of the run",
    "weights": "the weights of a ResNet",
    "images": "the folder of the run's images",
    "runtime": "where servers would run: auto, docker or process",
    "device": "what would compute the model: cpu or cuda",
    "cache": "the folder in which models are kept",
    "reports": "the folder for the reports",
}


class _Parser(argparse.ArgumentParser):
    """Refuses a wrong option in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


def main(arguments: Sequence[str]) -> int:
    """Examine the machine, and return the exit code."""
    try:
        asked = _parser().parse_args(arguments)
        request = _request(asked)
        if not asked.json and not request.running:
            sys.stdout.write(f"watching the machine for {asked.seconds:g} s\n\n")
            sys.stdout.flush()
        found = examine(request)
    except ConfigError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return _WRONG_USE
    except KeyboardInterrupt:
        return _INTERRUPTED
    text = json.dumps(found.as_dict(), indent=2) if asked.json else found.as_text()
    sys.stdout.write(f"{text}\n")
    return 1 if found.faults else 0


def _request(asked: argparse.Namespace) -> Request:
    """Return what to examine. Raises ConfigError for a wrong option."""
    given = {name: value for name in _OPTIONS if (value := getattr(asked, name))}
    storage = storage_folder(asked.storage or _BASELINES, _ROOT)
    is_usual = storage == _ROOT / _BASELINES
    return Request(
        settings=_settings(given),
        storage=storage,
        duration_s=asked.seconds,
        options=_words(given),
        storage_option=() if is_usual else (f"{_STORAGE}={asked.storage}",),
        running=who_measures(),
    )


def _words(given: Mapping[str, str | list[str]]) -> list[str]:
    """Return the options as they are typed."""
    pairs = [
        (name, value)
        for name, values in given.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return [word for name, value in pairs for word in (argument(name), value)]


def _seconds(text: str) -> float:
    """Return a number above 0. Raises argparse.ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: not a number above 0")
    return value


def _settings(given: Mapping[str, object]) -> Settings:
    """Return the settings of a run with these options. Raises ConfigError."""
    return read_settings(Options({**_DEFAULTS, **given}), _ROOT)


def _parser() -> _Parser:
    """Return what reads the command line."""
    made = _Parser(
        prog="tox -e doctor --",
        description="Say what is here, what is missing, and what to type next.",
        allow_abbrev=False,
    )
    made.add_argument("--json", action="store_true", help="write JSON, for programs")
    made.add_argument(
        "--seconds",
        type=_seconds,
        default=_SECONDS,
        metavar="N",
        help=f"for how long to watch the machine; default {_SECONDS:g}",
    )
    for name, text in _OPTIONS.items():
        action = "append" if name in _REPEATED else "store"
        made.add_argument(
            argument(name), dest=name, action=action, metavar="VALUE", help=text
        )
    made.add_argument(
        _STORAGE,
        dest="storage",
        default="",
        metavar="DIR",
        help=f"the folder of the baselines; default {_BASELINES}",
    )
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
