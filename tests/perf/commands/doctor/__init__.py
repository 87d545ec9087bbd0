"""Tests of perf/commands/doctor/."""
