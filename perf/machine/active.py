"""The time in which something ran that was stopped now and then."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class ActiveTime:
    """A clock that stands still while what it belongs to is stopped.

    It is stopped at first. `now` may be called from any thread.
    """

    _ended: list[tuple[float, float]] = field(default_factory=list)
    _sum_s: float = 0.0
    _since_s: float | None = None

    def go(self) -> None:
        """Let the clock run from now on."""
        self._since_s = time.monotonic()

    def stop(self) -> None:
        """Stop the clock; nothing where it stands still."""
        since_s, now_s = self._since_s, time.monotonic()
        if since_s is not None:
            self._since_s = None
            self._sum_s += now_s - since_s
            self._ended.append((since_s, now_s))

    def now(self) -> float:
        """Return how long the clock has run up to now, in seconds."""
        # In this order: a stop between the two may make it too small, but never too large.
        sum_s, since_s = self._sum_s, self._since_s
        return sum_s + (time.monotonic() - since_s if since_s is not None else 0.0)

    def before(self, at_s: float) -> float:
        """Return how long it had run at a time of the monotonic clock, in seconds."""
        return sum(
            min(end_s, at_s) - begin_s for begin_s, end_s in self._ended if begin_s < at_s
        )

    def spans(self, begin_s: float, end_s: float) -> tuple[tuple[float, float], ...]:
        """Return when it ran between two times of the monotonic clock."""
        return tuple(
            (max(begin_s, since_s), min(end_s, until_s))
            for since_s, until_s in self._ended
            if since_s < end_s and until_s > begin_s
        )
