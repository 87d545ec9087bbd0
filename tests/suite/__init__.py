"""Tests of whole runs: the real suite, in a process of its own."""
