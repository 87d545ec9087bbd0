"""The protocols of a runtime: a place where servers run.

A backend does not know where its server runs. It asks the runtime for a Placement, writes
its configuration for that placement into a Program, and gets a Launched program back.
`Runtime.launch` returns as soon as the program has been started. The backend waits until it
is ready, with `serving.backends.ready`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

SESSION_LABEL = "serving-perf.session"
SESSION_VARIABLE = "SERVING_PERF_SESSION"
FOLDER_PREFIX = "serving-perf-run-"
"""How the name of each server's temporary folder begins, and of no other folder."""
REQUIREMENTS = "requirements.txt"
"""The requirement file that nearly every server needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Paths and ports of a program, as the program itself sees them."""

    bind_host: str
    """The address to listen on."""
    home: str
    """The folder with the program's files, read-only."""
    scratch: str
    """The program's own folder, which it can write."""
    ports: Mapping[str, int]
    """The number of each port by its name."""
    python: str
    """The path of the Python interpreter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start: a command, its environment, and the files that it needs in `home`."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str | Path] = field(default_factory=dict)
    """The text of each file, or the file of this machine, by its name in `home`."""
    needs_java: bool = False
    """Whether it needs a Java of 17 or newer, in JAVA_HOME."""
    requirements: tuple[str, ...] = (REQUIREMENTS,)
    """The requirement files, in serving/, with the packages that it needs."""
    base_image: str | None = None
    """The image that its container is built from, where it needs a certain one."""


class Launched(Protocol):
    """A program that was started, and may have died since. Only `stop` blocks."""

    def address(self, port: str) -> tuple[str, int]:
        """Return host and port at which this machine reaches the named port."""

    def exit_reason(self) -> str | None:
        """Return None while the program lives, else in a few words why it ended."""

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines that the program wrote, none left out."""

    def root_pids(self) -> tuple[int, ...]:
        """Return the ids, on this machine, of the processes at the root of the tree.

        Empty where the processes cannot be seen from here (Docker in a virtual machine).
        """

    def describe(self) -> Mapping[str, str]:
        """Return what a report should name: image, image digest, Java, limits."""

    def stop(self) -> None:
        """End the program and everything it started, within 20 s. May be called again."""


class Runtime(Protocol):
    """A place where programs run."""

    name: str

    def helper_pids(self) -> tuple[int, ...]:
        """Return the root processes that work for all servers but belong to none."""

    def place(self, ports: tuple[str, ...]) -> Placement:
        """Choose a home, a scratch folder and one free port for each name.

        Raises ConfigError where another program holds a fixed port.
        """

    def launch(self, placement: Placement, program: Program) -> Launched:
        """Start the program.

        Raises ServerError, and ConfigError where something is missing that the user must
        provide. Nothing is left behind then.
        """
