"""Tests of the project's pages."""
