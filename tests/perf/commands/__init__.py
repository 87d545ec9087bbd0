"""Tests of perf/commands/."""
