"""Tests of perf/history/."""
