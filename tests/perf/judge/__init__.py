"""Tests of perf/judge/."""
