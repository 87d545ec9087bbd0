"""Tests of serving/backends/."""
