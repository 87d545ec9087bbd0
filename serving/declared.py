"""What the registered backends and engines declare, taken together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from serving.backends.registry import BACKENDS
from serving.engines import ENGINES
from serving.model.artifacts import PACKAGES


class Declaring(Protocol):
    """A backend or an engine."""

    @property
    def name(self) -> str:
        """The name by which a row of the table names it."""

    @property
    def packages(self) -> tuple[str, ...]:
        """The distributions whose versions a report names."""

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirement files, in serving/, that it needs to run."""


def registered() -> Iterator[Declaring]:
    """Yield every backend and every engine that a row can name."""
    yield from BACKENDS.values()
    yield from ENGINES.values()


def packages() -> tuple[str, ...]:
    """Return the distributions that models, backends and engines need, by name.

    Not all are installed: an environment has those of the rows that it measures.
    """
    return tuple(
        sorted({*PACKAGES, *(name for one in registered() for name in one.packages)})
    )


def requirement_files() -> tuple[str, ...]:
    """Return the requirement files, in serving/, of all that runs as a process."""
    backends = [one for one in BACKENDS.values() if "process" in one.runtimes]
    every: list[Declaring] = [*backends, *ENGINES.values()]
    return tuple(sorted({name for one in every for name in one.requirements}))
