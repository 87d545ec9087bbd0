"""What every place where a server can run has in common.

A backend never learns where its server runs. It asks the runtime for a Placement,
writes its configuration for that placement into a Program, and gets back a Launched
server. `Runtime.launch` returns as soon as the program has been started; waiting until
it is ready is the backend's business, through `serving.backends.ready`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

SESSION_LABEL = "serving-perf.session"
SESSION_VARIABLE = "SERVING_PERF_SESSION"
FOLDER_PREFIX = "serving-perf-run-"
"""How the name of a server's temporary folder begins, and of nothing else's."""
REQUIREMENTS = "requirements.txt"
"""The list of packages that nearly every server needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a program will find itself: all paths and ports as the program sees them.

    `home` holds the program's files, read-only; `scratch` is its own writable folder.
    `ports` maps each port's name to the number to bind on `bind_host`.
    """

    bind_host: str
    home: str
    scratch: str
    ports: Mapping[str, int]
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start: a command, its environment, and the files it needs in `home`.

    `files` maps a file's name in `home` to its text, or to a file of this machine.
    `needs_java` asks the runtime for a Java of 17 or newer, as JAVA_HOME. `requirements`
    are the lists of packages, files of serving/, that it needs.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str | Path] = field(default_factory=dict)
    needs_java: bool = False
    requirements: tuple[str, ...] = (REQUIREMENTS,)


class Launched(Protocol):
    """A program that was started, and may have died since. No method blocks but `stop`."""

    def address(self, port: str) -> tuple[str, int]:
        """Return host and port at which this machine reaches the named port."""

    def exit_reason(self) -> str | None:
        """Return None while the program lives, else why it ended, in a few words."""

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines that the program wrote."""

    def root_pids(self) -> tuple[int, ...]:
        """Return the ids, on this machine, of the processes at the root of the tree.

        Empty where the processes cannot be seen from here (Docker in a virtual machine).
        """

    def describe(self) -> Mapping[str, str]:
        """Return what a report should know: image, image digest, Java, limits."""

    def stop(self) -> None:
        """End the program and everything it started; at most 20 s; idempotent."""


class Runtime(Protocol):
    """A place where programs run."""

    name: str

    def helper_pids(self) -> tuple[int, ...]:
        """Return the roots of what works for all its servers, and is of none of them."""

    def place(self, ports: tuple[str, ...]) -> Placement:
        """Choose a home, a scratch folder and one free port for each name.

        Raises ConfigError where a fixed port is held by a stranger.
        """

    def launch(self, placement: Placement, program: Program) -> Launched:
        """Start the program.

        Raises ServerError, and ConfigError where something that the user must provide
        is missing; nothing is left behind then.
        """
