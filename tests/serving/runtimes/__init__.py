"""Tests of serving/runtimes/."""
