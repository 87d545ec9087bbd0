"""Tests of perf/report/."""
