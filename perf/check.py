"""Hold every answer against the reference prediction of its image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perf.jobs.record import JobRecord, Top
from serving.errors import PerfError

TOLERANCE = 1e-3  # of a probability, in fp32


class JobsFailedError(PerfError):
    """Some jobs of a block failed or answered wrongly: their block is no throughput."""


@dataclass(slots=True)
class Counts:
    """How many jobs ran, how many failed, how many answered wrongly.

    `first_error` is what the first bad job said, in full.
    """

    total: int = 0
    failed: int = 0
    wrong: int = 0
    first_error: str = ""

    def add(
        self,
        records: Sequence[JobRecord],
        images: Sequence[str],
        predictions: Mapping[str, Top],
    ) -> None:
        """Count a block's records; `images` are those of the block's request."""
        for record in records:
            image = images[record.image]
            self.total += 1
            if record.error:
                self.failed += 1
                self._note(image, record.error)
                continue
            difference = differs(record.top, predictions[image])
            if difference:
                self.wrong += 1
                self._note(image, difference)

    def raise_if_bad(self, who: str) -> None:
        """Raise JobsFailedError, with counts and the first error, where any job was bad."""
        if self.failed or self.wrong:
            raise JobsFailedError(
                f"{who}: of {self.total} jobs {self.failed} failed and {self.wrong} "
                f"answered wrongly; the first: {self.first_error}"
            )

    def _note(self, image: str, error: str) -> None:
        if not self.first_error:
            self.first_error = f"{image}: {error}"


def differs(top: Top, expected: Top) -> str:
    """Return what is wrong with an answer, or nothing where it is the expected one.

    It must name the same classes, each with its probability to within `TOLERANCE`.
    """
    answer, wanted = dict(top), dict(expected)
    if answer.keys() != wanted.keys():
        return f"wrong answer: classes {sorted(answer)}, expected {sorted(wanted)}"
    for name, probability in wanted.items():
        if not abs(answer[name] - probability) <= TOLERANCE:
            return (
                f"wrong answer: class {name} at {answer[name]:g}, expected {probability:g}"
            )
    return ""
