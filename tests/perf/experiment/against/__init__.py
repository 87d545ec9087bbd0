"""Tests of perf/experiment/against/."""
