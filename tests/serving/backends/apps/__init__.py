"""Tests of serving/backends/apps/."""
