"""Tests of perf/machine/."""
