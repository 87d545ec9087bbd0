"""Client jobs that answer whether the module named by the image is loaded."""

from __future__ import annotations

import sys

import perf.load.jobs.client
from serving.work.classification import Top

CLIENT = perf.load.jobs.client.__name__


def run(image: str, _target: object) -> Top:
    """Answer class 1 for a loaded module, 0 for any other."""
    return ((int(image in sys.modules), 1.0),)
