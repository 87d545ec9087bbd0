"""Classify an image: the answer is its five likeliest classes with their probabilities.

A copy of this file runs in every server, as `work`. Client jobs import it too and must
start quickly, so it imports no heavy module at the top.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONTENT_TYPE = "image/jpeg"
"""What a job sends, as the header of its request says."""

TOLERANCE = 1e-3
"""How far apart two probabilities of the same fp32 model may be."""

TOP = 5
Top = tuple[tuple[int, float], ...]


def make_batch(preprocess: Path, threads: int) -> Any:  # noqa: ANN401 -- an object of `images`
    """Return the object whose `inputs(bodies)` makes the model's input in a server.

    `preprocess` is the model's preprocess.json; a batch is decoded on `threads` threads.
    """
    images = importlib.import_module("images")
    return images.Batch(images.Picture.read(preprocess), threads)


def answer(logits: NDArray[np.float32]) -> dict[str, float]:
    """Return what a server sends: classes with probabilities, the likeliest first.

    `logits` is the model's output for one input, of shape (classes,). Raises TypeError
    where it has another shape or too few classes.
    """
    import numpy as np  # noqa: PLC0415 -- client jobs do without it

    if logits.ndim != 1 or logits.size < TOP:
        raise TypeError(f"its output for an image has the shape {logits.shape}")
    weights = np.exp(logits - logits.max())
    likeliest = np.argsort(-weights, kind="stable")[:TOP]
    total = weights.sum()
    return {str(place): float(weights[place] / total) for place in likeliest}


def label(logits: NDArray[np.float32]) -> int:
    """Return the likeliest class: two engines agree on an image where it is the same."""
    return int(logits.argmax())


def parse(raw: Mapping[str, float]) -> Top:
    """Return a server's answer, read from JSON, as (class, probability) pairs.

    Raises ValueError, TypeError or AttributeError where it has another form.
    """
    return tuple((int(name), float(p)) for name, p in raw.items())


def differs(found: Top, expected: Top, tolerance: float = TOLERANCE) -> str:
    """Return what is wrong with an answer, or the empty string where it is right.

    It is right where it names the expected classes, each with its probability to within
    `tolerance`. With a wider tolerance than fp32's, a class may also be replaced by
    another one that is as likely to within the tolerance.
    """
    given, wanted = dict(found), dict(expected)
    slack = tolerance if tolerance > TOLERANCE else -math.inf
    misplaced = _misplaced(wanted, given, slack) | _misplaced(given, wanted, slack)
    if len(given) != len(wanted) or misplaced:
        return f"wrong answer: classes {sorted(given)}, expected {sorted(wanted)}"
    for name in wanted.keys() & given.keys():
        if not abs(given[name] - wanted[name]) <= tolerance:
            return (
                f"wrong answer: class {name} at {given[name]:g}, expected {wanted[name]:g}"
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
