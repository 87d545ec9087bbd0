"""Tests of serving/model/standalone/."""
