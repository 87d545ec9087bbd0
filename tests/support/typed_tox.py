"""Stands in for `tox` where a test types commands: the same commands, nothing is installed.

    python -m tests.support.typed_tox FOLDER -e NAME [-- ARGUMENTS]

The real tox says which commands the environment NAME of the project in FOLDER runs. They
are run here, with the Python of this process. An environment that runs another one, as
those of the scenarios do, is followed.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_NESTED = ["python", "-m", "tox", "run"]


def main(folder: Path, arguments: Sequence[str]) -> int:
    """Run the environment that the arguments name, and return its exit code."""
    known, posargs = _split(arguments)
    parser = argparse.ArgumentParser()
    parser.add_argument("-e", required=True)
    parser.add_argument("-x", action="append", default=[])
    parser.add_argument("-c")
    parser.add_argument("-q", action="count")
    asked = parser.parse_args(known)
    overrides = [word for one in asked.x for word in ("-x", one)]
    for command in _commands(folder, asked.e, overrides, posargs):
        words = shlex.split(command)
        if Path(words[0]).name.startswith("python"):
            words[0] = "python"
        if words[:4] == _NESTED:
            code = main(folder, words[4:])
        else:
            start = (
                [sys.executable]
                if words[0] == "python"
                else [sys.executable, "-m", words[0]]
            )
            code = subprocess.run([*start, *words[1:]], cwd=folder, check=False).returncode
        if code:
            return code
    return 0


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what stands before `--`, and what stands after it."""
    words = list(arguments)
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _commands(
    folder: Path, name: str, overrides: Sequence[str], posargs: Sequence[str]
) -> list[str]:
    """Return the commands of an environment as the real tox reads them."""
    tox = [sys.executable, "-m", "tox", "config", "-c", str(folder), "-e", name]
    done = subprocess.run(
        [*tox, "-k", "commands", *overrides, "--", *posargs],
        env={**os.environ, "TOX_WORK_DIR": str(folder / ".tox")},
        capture_output=True,
        text=True,
        check=True,
    )
    _, found, text = done.stdout.partition("commands =")
    assert found, done.stdout + done.stderr
    return [line.strip() for line in text.splitlines() if line.strip()]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
