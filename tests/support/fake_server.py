"""A fake program that was started, and a fake runtime that returns it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.errors import ServerError
from serving.runtimes.base import Placement, Program


@dataclass
class FakeLaunched:
    """A program that printed `log`, and ended with `reason` if that is given."""

    log: str = ""
    reason: str | None = None
    unreachable: bool = False
    stops: int = field(default=0, init=False)

    def address(self, port: str) -> tuple[str, int]:
        """Return an address that nobody uses; raise ServerError if `unreachable`."""
        if self.unreachable:
            raise ServerError(f"no {port}: the container died at once")
        return "127.0.0.1", 1

    def exit_reason(self) -> str | None:
        """Return `reason`."""
        return self.reason

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of `log`."""
        return "\n".join(self.log.splitlines()[-lines:])

    def root_pids(self) -> tuple[int, ...]:
        """Return nothing."""
        return ()

    def describe(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def stop(self) -> None:
        """Count the call."""
        self.stops += 1


@dataclass
class FakeRuntime:
    """A runtime that returns `launched` for each program."""

    launched: FakeLaunched
    name: str = "fake"

    def helper_pids(self) -> tuple[int, ...]:
        """Return nothing."""
        return ()

    def place(self, ports: tuple[str, ...]) -> Placement:
        """Return the same placement each time, the one in the golden text."""
        return Placement(
            bind_host="127.0.0.1",
            home="/the/home",
            scratch="/the/scratch",
            ports={name: 8001 + i for i, name in enumerate(ports)},
            python="python",
        )

    def launch(self, placement: Placement, program: Program) -> FakeLaunched:
        """Start nothing."""
        assert placement.home in " ".join(program.argv)
        return self.launched
