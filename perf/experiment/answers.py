"""Compare every answer with the reference prediction for its image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perf.load.record import JobRecord
from serving.errors import PerfError
from serving.work import CLASSIFICATION, Answer, Work
from serving.work.classification import TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The right answers."""

    predictions: Mapping[str, Answer]
    """The answer for each image, by its path."""

    work: Work = CLASSIFICATION
    """Knows how two answers are compared."""

    tolerance: float = TOLERANCE
    """How far a number of an answer may be from the expected one."""

    def difference(self, image: str, answer: Answer) -> str:
        """Return what is wrong with an answer, or the empty string where it is right."""
        differs = self.work.load().differs
        difference: str = differs(answer, self.predictions[image], self.tolerance)
        return difference


class JobsFailedError(PerfError):
    """Some jobs of a block failed or answered wrongly, so it has no throughput."""


@dataclass(slots=True)
class Counts:
    """How many jobs ran, and how many of them were bad."""

    total: int = 0

    failed: int = 0
    """Jobs that raised an error, died or were late."""

    wrong: int = 0
    """Jobs whose answer is not the expected one."""

    missed: int = 0
    """Requests at scheduled times that failed, and count against the server."""

    first_error: str = ""
    """What the first bad job said, with the path of its image."""

    def add(
        self,
        records: Sequence[JobRecord],
        images: Sequence[str],
        expected: Expected,
    ) -> None:
        """Count the records of a block; they refer to `images` by their place."""
        for record in records:
            image = images[record.image]
            self.total += 1
            if record.error:
                self.failed += 1
                self._note(image, record.error)
            elif difference := expected.difference(image, record.answer):
                self.wrong += 1
                self._note(image, difference)

    def include(self, other: Counts) -> None:
        """Add the counts of another block."""
        self.total += other.total
        self.failed += other.failed
        self.wrong += other.wrong
        self.missed += other.missed
        self.first_error = self.first_error or other.first_error

    def raise_if_bad(self, who: str) -> None:
        """Raise JobsFailedError where any job was bad; `who` begins its message."""
        if self.failed or self.wrong:
            raise JobsFailedError(
                f"{who}: of {self.total} jobs {self.failed} failed and {self.wrong} "
                f"answered wrongly; the first: {self.first_error}"
            )

    def _note(self, image: str, error: str) -> None:
        if not self.first_error:
            self.first_error = f"{image}: {error}"
