"""Tests of serving/engines/."""
