"""Tests of perf/config/."""
