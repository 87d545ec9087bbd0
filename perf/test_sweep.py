"""Measures a sweep: many settings of one row. It runs where `--perf-sweep` names one."""

from __future__ import annotations

from perf.experiment.sweep.sweep_run import SweepRun


def test_sweep(sweep_run: SweepRun) -> None:
    """Some point could be measured, and the best ones were compared with today's row."""
    result = sweep_run.measure()
    assert any(point.launches for point in result.points), "no point could be measured"
