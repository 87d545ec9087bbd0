"""Client jobs that answer whether the module named by the image is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable

import perf.load.jobs.client  # noqa: F401 -- what client jobs load
from serving.work.classification import Top


def run(image: str, _target: object) -> Top:
    """Answer class 1 for a module that is loaded, 0 for any other."""
    return ((int(image in sys.modules), 1.0),)


def load(target: object) -> Callable[[str], Top]:
    """Return the same for a job that stays."""
    return lambda image: run(image, target)
