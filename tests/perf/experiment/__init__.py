"""Tests of perf/experiment/."""
