"""The performance suite: what is measured, how it is judged, and how it is reported."""
