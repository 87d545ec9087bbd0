"""Tests of whole runs: each starts the real suite in a process of its own."""
