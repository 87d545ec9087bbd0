"""Every answer is held against its reference, and a bad one is never throughput."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.experiment.answers import TOLERANCE, Counts, Expected, JobsFailedError, differs
from perf.load.record import Top
from serving.errors import PerfError
from tests.support.fakes import EXPECTED, IMAGE, TOP, record

CLASSES = dict(TOP)


def moved(by: float, name: int = 281) -> Top:
    """Return the reference with one probability moved."""
    return tuple((c, p + by if c == name else p) for c, p in TOP)


def test_reference_itself_passes() -> None:
    """The reference prediction is the right answer."""
    assert differs(TOP, TOP) == ""


def test_order_does_not_matter() -> None:
    """The same classes pass in whatever order the server gives them."""
    assert {differs(order, TOP) for order in permutations(TOP)} == {""}


@given(
    by=st.floats(-0.999 * TOLERANCE, 0.999 * TOLERANCE),
    name=st.sampled_from(sorted(CLASSES)),
)
def test_within_the_tolerance_passes(by: float, name: int) -> None:
    """A probability that is off by less than the tolerance passes, either way."""
    assert differs(moved(by, name), TOP) == ""


@given(
    by=st.floats(1.001 * TOLERANCE, 1.0),
    sign=st.sampled_from([-1, 1]),
    name=st.sampled_from(sorted(CLASSES)),
)
def test_beyond_the_tolerance_fails(by: float, sign: int, name: int) -> None:
    """A probability that is off by more is a wrong answer, and the class is named."""
    assert f"class {name} at" in differs(moved(sign * by, name), TOP)


def test_tolerance_itself_passes() -> None:
    """The tolerance is the last difference that passes."""
    assert differs(((1, TOLERANCE),), ((1, 0.0),)) == ""
    assert differs(((1, math.nextafter(TOLERANCE, 1.0)),), ((1, 0.0),)) != ""


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_no_number_fails(bad: float) -> None:
    """NaN and infinity are near to nothing."""
    assert differs(((281, bad), *TOP[1:]), TOP) != ""


@pytest.mark.parametrize(
    "answer",
    [(), TOP[:4], (*TOP, (1, 0.0)), ((1, 0.5), *TOP[1:])],
    ids=["none", "one too few", "one too many", "another"],
)
def test_other_classes_fail(answer: Top) -> None:
    """An answer must name the reference's classes, all of them and no other."""
    assert differs(answer, TOP).startswith("wrong answer: classes [")


@pytest.mark.parametrize(
    ("other", "right"),
    [((1, 0.03), True), ((1, 0.06), False), ((1, math.nan), False)],
    ids=["as likely as the fifth", "likelier", "no number"],
)
def test_a_wider_tolerance_lets_the_last_classes_change_places(
    other: tuple[int, float], *, right: bool
) -> None:
    """In less precision than fp32 the fifth class may be another that is as likely.

    A class that is likelier than that may not be missing, nor may one be too many.
    """
    assert (differs((*TOP[:4], other), TOP, 0.02) == "") is right
    assert differs((*TOP[:4], other), TOP) != ""
    assert differs((*TOP[1:], (1, 0.03)), TOP, 0.02) != ""
    assert differs(TOP[:4], TOP, 0.02) != ""


def test_counts_add_up() -> None:
    """Right, failed and wrong answers are counted over all blocks, and told apart."""
    counts = Counts()
    good, failed, wrong = record(0), record(1, error="died: exit code 3"), record(2, top=())
    for records in ([good], [good, failed, wrong], [wrong]):
        counts.add(records, [IMAGE] * 3, EXPECTED)
    assert (counts.total, counts.failed, counts.wrong) == (5, 1, 2)


def test_each_answer_is_held_against_its_own_image() -> None:
    """A record's image is found by its number, in whatever order jobs end."""
    images, other = ["a.jpg", "b.jpg"], ((1, 0.75),)
    predictions = {"a.jpg": TOP, "b.jpg": other}
    counts = Counts()
    counts.add([record(1, top=other), record(0)], images, Expected(predictions=predictions))
    assert (counts.total, counts.wrong) == (2, 0)
    counts.add([record(0, top=other)], images, Expected(predictions=predictions))
    assert counts.wrong == 1


def test_all_right_raises_nothing() -> None:
    """Counts without a bad job, and counts of nothing, are no error."""
    counts = Counts()
    counts.raise_if_bad("nobody")
    counts.add([record(0)], [IMAGE], EXPECTED)
    counts.raise_if_bad("nobody")
    assert counts.first_error == ""


def test_error_has_counts_and_the_first_error_in_full() -> None:
    """The error names the arm, the counts, and the first bad job's image and words."""
    words = "RefusedError: HTTP 503: " + "no worker to serve " * 40
    counts = Counts()
    counts.add(
        [record(0), record(1, error=words), record(2, error="later"), record(3, top=())],
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
    """A block in which nothing failed, but one answer is wrong, is no throughput."""
    counts = Counts()
    counts.add([record(0), record(0, top=moved(0.01))], [IMAGE], EXPECTED)
    with pytest.raises(JobsFailedError, match="0 failed and 1 answered wrongly"):
        counts.raise_if_bad("serving-batch")
