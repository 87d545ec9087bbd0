"""Hold every answer against the reference prediction of its image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perf.load.record import JobRecord, Top
from serving.errors import PerfError

TOLERANCE = 1e-3  # of a probability, in fp32


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The right answers: the five likeliest classes of each image, by its path.

    An answer must name the same classes, each with its probability to within `tolerance`.
    """

    predictions: Mapping[str, Top]
    tolerance: float = TOLERANCE


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
        expected: Expected,
    ) -> None:
        """Count a block's records; `images` are those of the block's request."""
        for record in records:
            image = images[record.image]
            self.total += 1
            if record.error:
                self.failed += 1
                self._note(image, record.error)
                continue
            difference = differs(
                record.top, expected.predictions[image], expected.tolerance
            )
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


def differs(top: Top, expected: Top, tolerance: float = TOLERANCE) -> str:
    """Return what is wrong with an answer, or nothing where it is the expected one.

    With a wider tolerance than fp32's, classes at the end of the five may change places
    with others that are equally likely to within it.
    """
    answer, wanted = dict(top), dict(expected)
    slack = tolerance if tolerance > TOLERANCE else -math.inf
    misplaced = _misplaced(wanted, answer, slack) | _misplaced(answer, wanted, slack)
    if len(answer) != len(wanted) or misplaced:
        return f"wrong answer: classes {sorted(answer)}, expected {sorted(wanted)}"
    for name in wanted.keys() & answer.keys():
        if not abs(answer[name] - wanted[name]) <= tolerance:
            return (
                f"wrong answer: class {name} at {answer[name]:g}, expected {wanted[name]:g}"
            )
    return ""


def _misplaced(
    mine: Mapping[int, float], others: Mapping[int, float], slack: float
) -> set[int]:
    """Return the classes that the others lack, though likelier than their last."""
    last = min(others.values(), default=0.0)
    # NaN is likelier than nothing, so it is never in its place.
    return {n for n in mine.keys() - others.keys() if not mine[n] <= last + slack}
