"""A workload gives the images to the jobs in turn."""

from __future__ import annotations

from perf.experiment.workload import Workload
from tests.support.fakes import EXPECTED


def test_workload_takes_images_in_turn() -> None:
    """Every job gets the next image, across blocks; after the last comes the first."""
    workload = Workload(["a", "b", "c"], 4, slots=1, deadline_s=1.0, expected=EXPECTED)
    assert workload.take() == ("a", "b", "c", "a")
    assert workload.take(1) == ("b",)
    assert workload.take() == ("c", "a", "b", "c")
