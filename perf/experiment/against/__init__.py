"""Measure a scenario of this tree side by side with the same scenario of another tree."""
