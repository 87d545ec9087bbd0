"""Every answer is compared with its expected answer, and bad ones are never throughput."""

from __future__ import annotations

import pytest

from perf.experiment.answers import Counts, Expected, JobsFailedError
from serving.errors import PerfError
from serving.work.classification import Top
from tests.support.fakes import EXPECTED, IMAGE, TOP, record


def moved(by: float) -> Top:
    """Return the expected answer with the probability of class 281 changed by `by`."""
    return tuple((c, p + by if c == 281 else p) for c, p in TOP)


def test_counts_add_up() -> None:
    """Over several blocks, all jobs are counted, and failed and wrong ones separately."""
    counts = Counts()
    good, failed, wrong = (
        record(0),
        record(1, error="died: exit code 3"),
        record(2, answer=()),
    )
    for records in ([good], [good, failed, wrong], [wrong]):
        counts.add(records, [IMAGE] * 3, EXPECTED)
    assert (counts.total, counts.failed, counts.wrong) == (5, 1, 2)


def test_each_answer_is_compared_with_its_own_image() -> None:
    """A record's number gives its image, so the order in which jobs end does not matter."""
    images, other = ["a.jpg", "b.jpg"], ((1, 0.75),)
    predictions = {"a.jpg": TOP, "b.jpg": other}
    counts = Counts()
    counts.add(
        [record(1, answer=other), record(0)], images, Expected(predictions=predictions)
    )
    assert (counts.total, counts.wrong) == (2, 0)
    counts.add([record(0, answer=other)], images, Expected(predictions=predictions))
    assert counts.wrong == 1


def test_counts_without_a_bad_job_raise_nothing() -> None:
    """Counts of right answers only, and counts of no job, raise nothing."""
    counts = Counts()
    counts.raise_if_bad("nobody")
    counts.add([record(0)], [IMAGE], EXPECTED)
    counts.raise_if_bad("nobody")
    assert counts.first_error == ""


def test_error_has_counts_and_the_first_error_in_full() -> None:
    """The message has the arm, the counts, and the first bad job's image and message."""
    words = "RefusedError: HTTP 503: " + "no worker to serve " * 40
    counts = Counts()
    counts.add(
        [record(0), record(1, error=words), record(2, error="later"), record(3, answer=())],
        [IMAGE] * 4,
        EXPECTED,
    )
    with pytest.raises(JobsFailedError) as caught:
        counts.raise_if_bad("serving-batch")
    assert isinstance(caught.value, PerfError)
    assert str(caught.value) == (
        "serving-batch: of 4 jobs 2 failed and 1 answered wrongly; "
        f"the first: {IMAGE}: {words}"
    )


def test_wrong_answer_alone_is_an_error() -> None:
    """A wrong answer raises JobsFailedError, also where no job failed."""
    counts = Counts()
    counts.add([record(0), record(0, answer=moved(0.01))], [IMAGE], EXPECTED)
    with pytest.raises(JobsFailedError, match="0 failed and 1 answered wrongly"):
        counts.raise_if_bad("serving-batch")
