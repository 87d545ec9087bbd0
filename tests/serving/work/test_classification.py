"""Classification: the answer of a server, what jobs make of it, and how it is compared."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.work.classification import TOLERANCE, Top, differs
from tests.support.fakes import TOP

CLASSES = dict(TOP)


def moved(by: float, name: int = 281) -> Top:
    """Return the expected answer with the probability of class `name` changed by `by`."""
    return tuple((c, p + by if c == name else p) for c, p in TOP)


def test_expected_answer_passes() -> None:
    """An answer that equals the expected one is right."""
    assert differs(TOP, TOP) == ""


def test_order_does_not_matter() -> None:
    """The expected classes are right in every order."""
    assert {differs(order, TOP) for order in permutations(TOP)} == {""}


@given(
    by=st.floats(-0.999 * TOLERANCE, 0.999 * TOLERANCE),
    name=st.sampled_from(sorted(CLASSES)),
)
def test_within_the_tolerance_passes(by: float, name: int) -> None:
    """A probability may be too high or too low by less than the tolerance."""
    assert differs(moved(by, name), TOP) == ""


@given(
    by=st.floats(1.001 * TOLERANCE, 1.0),
    sign=st.sampled_from([-1, 1]),
    name=st.sampled_from(sorted(CLASSES)),
)
def test_beyond_the_tolerance_fails(by: float, sign: int, name: int) -> None:
    """An answer with a larger difference is wrong, and the message names the class."""
    assert f"class {name} at" in differs(moved(sign * by, name), TOP)


def test_difference_equal_to_the_tolerance_passes() -> None:
    """A difference of exactly the tolerance is right; the next larger float is wrong."""
    assert differs(((1, TOLERANCE),), ((1, 0.0),)) == ""
    assert differs(((1, math.nextafter(TOLERANCE, 1.0)),), ((1, 0.0),)) != ""


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_probability_that_is_not_finite_fails(bad: float) -> None:
    """An answer with NaN or an infinity is wrong."""
    assert differs(((281, bad), *TOP[1:]), TOP) != ""


@pytest.mark.parametrize(
    "answer",
    [(), TOP[:4], (*TOP, (1, 0.0)), ((1, 0.5), *TOP[1:])],
    ids=["none", "one too few", "one too many", "another"],
)
def test_other_classes_fail(answer: Top) -> None:
    """An answer is wrong unless it has all the expected classes and no other."""
    assert differs(answer, TOP).startswith("wrong answer: classes [")


@pytest.mark.parametrize(
    ("other", "right"),
    [((1, 0.03), True), ((1, 0.06), False), ((1, math.nan), False)],
    ids=["as likely as the fifth", "likelier", "NaN"],
)
def test_wider_tolerance_accepts_another_fifth_class(
    other: tuple[int, float], *, right: bool
) -> None:
    """With a tolerance wider than fp32's, a class as likely as the fifth may replace it.

    An answer is still wrong if a likelier class is missing, or if it has too few classes.
    """
    assert (differs((*TOP[:4], other), TOP, 0.02) == "") is right
    assert differs((*TOP[:4], other), TOP) != ""
    assert differs((*TOP[1:], (1, 0.03)), TOP, 0.02) != ""
    assert differs(TOP[:4], TOP, 0.02) != ""
