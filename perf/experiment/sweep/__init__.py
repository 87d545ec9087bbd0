"""Sweeps: many settings of one row are measured in turn, and the best are compared."""
