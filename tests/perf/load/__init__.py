"""Tests of perf/load/."""
