"""Tests of perf/github/, against a fake of GitHub's API on the loopback address."""
