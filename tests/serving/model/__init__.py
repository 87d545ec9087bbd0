"""Tests of serving/model/."""
