"""Tests of perf/stats/."""
