"""Tests of perf/trust/."""
