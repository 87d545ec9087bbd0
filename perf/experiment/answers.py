"""Compare every answer with the reference prediction for its image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perf.load.record import Classes, JobRecord
from serving.errors import PerfError

TOLERANCE = 1e-3
"""How far apart two probabilities may be, in fp32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The right answers."""

    predictions: Mapping[str, Classes]
    """For the path of each image, its five likeliest classes with their probabilities."""

    tolerance: float = TOLERANCE
    """How far the probability of a class may be from the expected one."""


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
                continue
            difference = differs(
                record.answer, expected.predictions[image], expected.tolerance
            )
            if difference:
                self.wrong += 1
                self._note(image, difference)

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


def differs(top: Classes, expected: Classes, tolerance: float = TOLERANCE) -> str:
    """Return what is wrong with an answer, or the empty string where it is right.

    It is right where it names the expected classes, each with its probability to within
    `tolerance`. With a wider tolerance than fp32's, a class may also be replaced by
    another one that is as likely to within the tolerance.
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
    """Return the classes of `mine` that `others` lack but should have.

    Those are more likely than the least likely class of `others`, plus `slack`.
    """
    last = min(others.values(), default=0.0)
    # Written with `not`, so that NaN counts as misplaced: it compares as False.
    return {n for n in mine.keys() - others.keys() if not mine[n] <= last + slack}
