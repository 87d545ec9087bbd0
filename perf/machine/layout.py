"""How a model is spread over processes and threads."""

from __future__ import annotations

from typing import NamedTuple


class Layout(NamedTuple):
    """The processes that compute a model, their threads, and the images in a batch."""

    processes: int
    threads: int = 1
    """The threads of each process."""

    batch_size: int = 1
    reload: bool = False
    """Whether a fresh process loads the model for every batch."""

    def __str__(self) -> str:
        """Return the layout as a report shows it."""
        return f"{self.processes} x {self.threads} threads, batch {self.batch_size}"
