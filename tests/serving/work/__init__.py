"""Tests of serving/work/."""
